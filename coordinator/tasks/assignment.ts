import { setImmediate } from 'node:timers/promises';
import { ErrandError } from '../../protocol/problem.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { CONTRACT_VERSION } from '../../protocol/worker.ts';
import type { Assignment } from '../../protocol/worker-schemas.ts';
import { checkWith } from '../base/check-body.ts';
import type { ThreadPool } from '../base/threads.ts';
import { findAttempt, listAttempts } from '../sqlite/attempts.ts';
import type { Db } from '../sqlite/database.ts';
import { newestEventId } from '../sqlite/events.ts';
import { attachmentView, listAttachments } from '../sqlite/attachments.ts';
import { listPendingMessages, listWaitingMessages } from '../sqlite/messages.ts';
import { listTaskRepositories } from '../sqlite/task-repositories.ts';
import { hasBegunPush } from '../sqlite/task-pushes.ts';
import { findTask } from '../sqlite/tasks.ts';
import { readTranscript, type TranscriptRow } from '../sqlite/transcript.ts';
import { branchPrefix, type TaskRow } from '../domain/task.ts';
import { withoutMedia } from './without-media.ts';

/** The settings that a task takes from its project, or from the server's defaults if it has no project. */
export type WorkerSettings = Pick<Assignment, 'env' | 'secrets' | 'egress' | 'author' | 'instructions'>;

export type AssignmentDependencies = {
  db: Db;
  settings: (task: TaskRow) => WorkerSettings;
  /** Issues a new task token for this attempt. */
  issueToken: (task_id: string, attempt: number) => Promise<string>;
  time_limit_ms: number;
  /** After how long a worker need not wait for an answer any more. */
  park_after_ms: number;
  pace: Pace;
  /** Reads what a transcript that is too long has of images and documents. */
  threads: ThreadPool;
};

/** How often a worker must call, and after what silence its lease expires. */
export type Pace = Pick<Assignment, 'heartbeat_ms' | 'lease_ms'>;

/** The limit of a worker's on-disk spool of unacknowledged events. */
const SPOOL_BYTES_MAX = 64 * 1024 * 1024;
/** What an event of the transcript takes beside its body. */
const EVENT_BYTES = 100;
/** What is read of a transcript in one turn of the event loop: some milliseconds. */
const PAGE = { rows_max: 2_000, bytes_max: 1024 * 1024 };
/** What is read of one in all, with the images and documents that are then left out. */
const READ_BYTES_MAX = 4 * LIMITS.transcript_bytes_max;

/**
 * All that a worker needs to start an attempt: an `Assignment` as JSON in UTF-8. It may be tens of megabytes: the
 * bodies of its transcript are those that are stored, and are not parsed unless it is too long. `secrets`: the names of
 * the secrets that it has.
 */
export type BuiltAssignment = { json: Buffer; secrets: string[] };

/**
 * Builds the assignment of this attempt, from the current rows. `material` goes behind the prompt. Throws `not_found`
 * if the attempt does not exist, and `too_large` if the transcript exceeds the limit of an assignment.
 */
export async function buildAssignment(
  deps: AssignmentDependencies,
  task_id: string,
  n: number,
  material = '',
): Promise<BuiltAssignment> {
  const token = await deps.issueToken(task_id, n);
  // Both are of one turn of the event loop, and stored events never change: so the transcript fits the other rows.
  const [head, until] = [readHead(deps, task_id, n, { token, material }), newestEventId(deps.db)];
  const start = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"transcript":[`);
  const parts = [start, ...(await transcriptTexts(deps, { task_id, n, until })), Buffer.from(']}')];
  return { json: Buffer.concat(parts), secrets: head.secrets ?? [] };
}

/** All of an assignment but its transcript. */
function readHead(
  deps: AssignmentDependencies,
  task_id: string,
  n: number,
  { token, material }: { token: string; material: string },
): Omit<Assignment, 'transcript'> {
  const task = findTask(deps.db, task_id);
  const attempt = findAttempt(deps.db, task_id, n);
  if (!task || !attempt) throw new ErrandError('not_found', 'There is no such attempt.');
  const known = listAttempts(deps.db, task_id).findLast((each) => each.n <= n && each.last_seq > 0);
  return {
    contract_version: CONTRACT_VERSION,
    task_id,
    attempt: n,
    token,
    prompt: material === '' ? task.prompt : `${task.prompt}\n\n${material}`,
    title: task.title,
    base_branch: task.base_branch,
    branch: task.branch,
    branch_prefix: branchPrefix(task_id),
    ...(task.work_branch !== null && { work_branch: task.work_branch }),
    repo_url: task.repo_url,
    model: task.model,
    effort: task.effort,
    max_turns: task.max_turns,
    budget_usd: task.budget_usd,
    spent_usd: task.usage.cost_usd,
    time_limit_ms: deps.time_limit_ms,
    park_after_ms: deps.park_after_ms,
    ...(task.ask_before_push && { ask_before_push: true, approved_commit: task.approved_commit }),
    ...(task.plan_first && { plan_first: true }),
    has_pushed: hasBegunPush(deps.db, task_id),
    setup_command: attempt.setup_command,
    verify_command: attempt.verify_command,
    ...deps.settings(task),
    heartbeat_ms: deps.pace.heartbeat_ms,
    lease_ms: deps.pace.lease_ms,
    spool_bytes_max: SPOOL_BYTES_MAX,
    ...(known && { known: { attempt: known.n, last_seq: known.last_seq } }),
    ...attachmentsOf(deps.db, task_id),
    ...repositoriesOf(deps.db, task),
    messages: listPendingMessages(deps.db, task_id),
  };
}

/** The repositories beside the first. */
function repositoriesOf(db: Db, { id, ask_before_push }: TaskRow): Pick<Assignment, 'repositories'> {
  const others = listTaskRepositories(db, id);
  if (others.length === 0) return {};
  const repositories = others.map(({ key, repo_url, base_branch, work_branch, approved_commit }) => ({
    key,
    repo_url,
    base_branch,
    ...(work_branch !== null && { work_branch }),
    ...(ask_before_push && { approved_commit }),
  }));
  return { repositories };
}

/** The attachments of the prompt, and of the messages that are part of the conversation. */
function attachmentsOf(db: Db, task_id: string): Pick<Assignment, 'attachments'> {
  const all = listAttachments(db, task_id);
  if (all.length === 0) return {};
  const pending = new Set(listWaitingMessages(db, task_id).map(({ id }) => id));
  const heard = all.filter(({ message_id }) => message_id === null || !pending.has(message_id));
  return heard.length > 0 ? { attachments: heard.map(attachmentView) } : {};
}

type TranscriptSource = Pick<AssignmentDependencies, 'db' | 'threads'>;
type TranscriptKey = { task_id: string; n: number; until: number };

/**
 * The events of the transcript up to the id `until`, as the elements of a JSON array, in parts. One that is too long is
 * given without its images and documents, which the model can look at again.
 */
async function transcriptTexts({ db, threads }: TranscriptSource, task: TranscriptKey): Promise<Buffer[]> {
  const run = checkWith(threads, { key: task.task_id, charge: () => undefined });
  const texts =
    (await readTexts(db, task, async (rows) => rows)) ?? (await readTexts(db, task, (rows) => withoutMedia(rows, run)));
  if (texts === null)
    throw new ErrandError('too_large', "The task's conversation is too long to continue: start a new task.");
  return texts;
}

/** Null: they are too long. */
async function readTexts(
  db: Db,
  task: TranscriptKey,
  shorten: (rows: TranscriptRow[]) => Promise<TranscriptRow[]>,
): Promise<Buffer[] | null> {
  const texts: Buffer[] = [];
  let [bytes, bytes_read, after] = [0, 0, 0];
  for (;;) {
    const { rows, cursor, more } = readTranscript(db, { ...task, after, size: PAGE });
    for (const { body } of rows) bytes_read += Buffer.byteLength(body);
    if (bytes_read > READ_BYTES_MAX) return null;
    const shortened = await shorten(rows);
    for (const { body } of shortened) bytes += Buffer.byteLength(body) + EVENT_BYTES;
    if (bytes > LIMITS.transcript_bytes_max) return null;
    const text = Buffer.from(shortened.map(transcriptText).join());
    if (texts.length > 0 && text.length > 0) texts.push(Buffer.from(','));
    if (text.length > 0) texts.push(text);
    if (!more) return texts;
    after = cursor;
    await setImmediate();
  }
}

function transcriptText({ attempt, type, body }: TranscriptRow): string {
  return `{"attempt":${attempt},"type":${JSON.stringify(type)},"body":${body}}`;
}

/**
 * Rejects with `too_large` if the transcript is too long for an assignment. A hostile worker can make it of any length.
 */
export async function requireTranscriptFits(source: TranscriptSource, task_id: string, n: number): Promise<void> {
  await transcriptTexts(source, { task_id, n, until: newestEventId(source.db) });
}
