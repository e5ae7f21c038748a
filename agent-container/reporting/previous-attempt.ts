import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { NumberedEvent, WorkerEvent } from '../../protocol/events.ts';
import {
  PROCESS_TYPES,
  TRANSCRIPT_TYPES,
  type Assignment,
  type TranscriptEvent,
} from '../../protocol/worker-schemas.ts';
import { readSpool } from './spool-files.ts';

export type PreviousAttempt = {
  /** Whether this process continues what another one began. */
  resumed: boolean;
  /**
   * Events that the previous attempt spooled and the coordinator does not have. This attempt reports them as its own.
   */
  unreported: WorkerEvent[];
  /** The assignment's transcript, and the events that only the spool holds. */
  transcript: TranscriptEvent[];
};

/** The spool directory of one attempt. */
export const spoolDir = (spool_dir: string, task_id: string, attempt: number) =>
  join(spool_dir, `${task_id}-${attempt}`);

/**
 * Reads what an earlier process of this attempt, or of the one before, left in its spool. Call it before the spool is
 * opened.
 */
export function readPreviousAttempt(spool_dir: string, assignment: Assignment): PreviousAttempt {
  const { task_id, attempt, known, transcript } = assignment;
  const unknownEventsOf = (n: number) => {
    const last_seq = known?.attempt === n ? known.last_seq : 0;
    return readSpool(spoolDir(spool_dir, task_id, n)).filter(({ seq }) => seq > last_seq);
  };
  // Events in this attempt's own spool are posted from there.
  const own = unknownEventsOf(attempt);
  const has_previous = own.length === 0 && known !== undefined && known.attempt < attempt;
  const previous = has_previous ? unknownEventsOf(known.attempt) : [];
  const left_out: readonly string[] = PROCESS_TYPES;
  const unreported = previous.filter(({ type }) => !left_out.includes(type));
  return {
    resumed: attempt > 1 || own.length > 0 || transcript.length > 0,
    unreported: unreported.map(withoutNumber),
    transcript: [...transcript, ...[...own, ...previous].flatMap((event) => toTranscript(event, attempt))],
  };
}

/** The ids of the messages that are already part of the conversation. */
export function messageIdsIn(transcript: TranscriptEvent[]): string[] {
  return transcript.flatMap(({ type, body }) =>
    type === 'input.added' && typeof body.message_id === 'string' ? [body.message_id] : [],
  );
}

/** Removes the spools of all other attempts. */
export async function removePreviousSpools(spool_dir: string, assignment: Assignment): Promise<void> {
  const own = spoolDir(spool_dir, assignment.task_id, assignment.attempt);
  const dirs = (await readdir(spool_dir))
    .filter((name) => /^[0-9a-z]{20}-\d+$/.test(name))
    .map((name) => join(spool_dir, name));
  await Promise.all(dirs.filter((dir) => dir !== own).map((dir) => rm(dir, { recursive: true, force: true })));
}

const withoutNumber = ({ type, body }: NumberedEvent) => ({ type, body }) as WorkerEvent;

function toTranscript({ type, body }: NumberedEvent, attempt: number): TranscriptEvent[] {
  const types: readonly string[] = TRANSCRIPT_TYPES;
  return types.includes(type) ? [{ attempt, type, body: { ...body } }] : [];
}
