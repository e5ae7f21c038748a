import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { NumberedEvent, WorkerEvent, WorkerEventType } from '../../protocol/events.ts';
import { TRANSCRIPT_TYPES, type Assignment, type TranscriptEvent } from '../../protocol/worker.ts';
import { readSpool } from './spool.ts';

/** They tell of a process that is gone, and would be wrong of the next one. */
const MOMENTARY: readonly WorkerEventType[] = [
  'agent.started',
  'step.started',
  'repository.ready',
  'turn.started',
  'turn.retried',
  'question.asked',
  'question.closed',
  'limit.near',
];

export type Earlier = {
  /** Whether this process goes on with what another one began. */
  resumed: boolean;
  /** What the attempt before spooled and the coordinator does not have: to be reported again, as this attempt's. */
  unreported: WorkerEvent[];
  /** The assignment's transcript, and what only the spool knows. */
  transcript: TranscriptEvent[];
};

export const spoolDir = (spool_dir: string, task_id: string, attempt: number) =>
  join(spool_dir, `${task_id}-${attempt}`);

/** Looks into the spool before it is opened: what did an earlier process leave there, of this attempt or the one before? */
export function readEarlier(spool_dir: string, assignment: Assignment): Earlier {
  const { task_id, attempt, known, transcript } = assignment;
  const beyond = (n: number) => {
    const last_seq = known?.attempt === n ? known.last_seq : 0;
    return readSpool(spoolDir(spool_dir, task_id, n)).filter(({ seq }) => seq > last_seq);
  };
  // Of this attempt what is in the spool is posted from there.
  const own = beyond(attempt);
  const left = own.length === 0 && known !== undefined && known.attempt < attempt ? beyond(known.attempt) : [];
  const unreported = left.filter(({ type }) => !MOMENTARY.includes(type));
  return {
    resumed: attempt > 1 || own.length > 0 || transcript.length > 0,
    unreported: unreported.map(withoutNumber),
    transcript: [...transcript, ...[...own, ...unreported].flatMap((event) => inTranscript(event, attempt))],
  };
}

/** The ids of the messages that a conversation holds. */
export function heard(transcript: TranscriptEvent[]): string[] {
  return transcript.flatMap(({ type, body }) =>
    type === 'input.added' && typeof body.message_id === 'string' ? [body.message_id] : [],
  );
}

/** Removes the spools of all attempts but this one. */
export async function removeEarlierSpools(spool_dir: string, assignment: Assignment): Promise<void> {
  const own = spoolDir(spool_dir, assignment.task_id, assignment.attempt);
  const dirs = (await readdir(spool_dir))
    .filter((name) => /^[0-9a-z]{20}-\d+$/.test(name))
    .map((name) => join(spool_dir, name));
  await Promise.all(dirs.filter((dir) => dir !== own).map((dir) => rm(dir, { recursive: true, force: true })));
}

/** An event bears its number beside its type and body: the same type of event remains without it. */
const withoutNumber = ({ type, body }: NumberedEvent) => ({ type, body }) as WorkerEvent;

function inTranscript({ type, body }: NumberedEvent, attempt: number): TranscriptEvent[] {
  const types: readonly string[] = TRANSCRIPT_TYPES;
  return types.includes(type) ? [{ attempt, type, body: { ...body } }] : [];
}
