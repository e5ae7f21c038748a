import { existsSync } from 'node:fs';
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
   * What the spool of this attempt begins with besides `agent.started`: events that an earlier attempt spooled and the
   * coordinator does not have. Null: an earlier process of this attempt made the spool.
   */
  unreported: WorkerEvent[] | null;
  /** The assignment's transcript, and the events that only the spool holds. */
  transcript: TranscriptEvent[];
};

/** The spool directory of one attempt. */
export const spoolDir = (spool_dir: string, task_id: string, attempt: number) =>
  join(spool_dir, `${task_id}-${attempt}`);

/**
 * Reads what an earlier process of this attempt, or of an earlier one, left in its spool. Call it before the spool is
 * made.
 *
 * A spool is made together with all events that it takes over, so the newest one has everything that is unreported. It
 * may be of an attempt of which the coordinator knows nothing: one that ended before its first POST was answered.
 */
export function readPreviousAttempt(spool_dir: string, assignment: Assignment): PreviousAttempt {
  const { task_id, attempt, known, transcript } = assignment;
  const newest = newestSpool(spool_dir, assignment);
  const last_seq = known !== undefined && known.attempt === newest ? known.last_seq : 0;
  const unknown =
    newest === null ? [] : readSpool(spoolDir(spool_dir, task_id, newest)).filter(({ seq }) => seq > last_seq);
  const left_out: readonly string[] = PROCESS_TYPES;
  return {
    resumed: attempt > 1 || newest !== null || transcript.length > 0,
    // Events in this attempt's own spool are posted from there.
    unreported: newest === attempt ? null : unknown.filter(({ type }) => !left_out.includes(type)).map(withoutNumber),
    transcript: [...transcript, ...unknown.flatMap((event) => toTranscript(event, attempt))],
  };
}

/** The newest attempt with a spool that may have unreported events. */
function newestSpool(spool_dir: string, { task_id, attempt, known }: Assignment): number | null {
  const oldest = known?.attempt ?? attempt;
  for (let n = attempt; n >= oldest; n--) if (existsSync(spoolDir(spool_dir, task_id, n))) return n;
  return null;
}

/** The ids of the messages that are already part of the conversation. */
export function messageIdsIn(transcript: TranscriptEvent[]): string[] {
  return transcript.flatMap(({ type, body }) =>
    type === 'input.added' && typeof body.message_id === 'string' ? [body.message_id] : [],
  );
}

/** Removes the spools of all other attempts, and those that were not finished. Call it once the own spool is made. */
export async function removePreviousSpools(spool_dir: string, assignment: Assignment): Promise<void> {
  const own = spoolDir(spool_dir, assignment.task_id, assignment.attempt);
  const dirs = (await readdir(spool_dir))
    .filter((name) => /^[0-9a-z]{20}-\d+(\.new)?$/.test(name))
    .map((name) => join(spool_dir, name));
  await Promise.all(dirs.filter((dir) => dir !== own).map((dir) => rm(dir, { recursive: true, force: true })));
}

const withoutNumber = ({ type, body }: NumberedEvent) => ({ type, body }) as WorkerEvent;

function toTranscript({ type, body }: NumberedEvent, attempt: number): TranscriptEvent[] {
  const types: readonly string[] = TRANSCRIPT_TYPES;
  return types.includes(type) ? [{ attempt, type, body: { ...body } }] : [];
}
