import { isDeepStrictEqual } from 'node:util';
import type { ThreadProblem } from '../../../protocol/coordinator-events.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { aborted, within } from '../../base/deadline.ts';
import type { Logger } from '../../base/logger.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Db } from '../../sqlite/database.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { findTask } from '../../sqlite/tasks.ts';
import { findContinuedPull, hasConversation } from '../../sqlite/thread-reads.ts';
import type { ForgeAccess } from '../forge-access.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import { line } from '../intake/material.ts';
import { namedMaterial, type ReadThread } from './named-material.ts';
import { issuesOf, sureFirst } from '../pulls/pull-issues.ts';
import { repositoriesOf } from '../pulls/pushed-branches.ts';
import { repositoryAt } from '../repository-name.ts';
import { threadReads, type ThreadRead } from '../thread-reads.ts';

type Dependencies = {
  log: EventLog;
  access: ForgeAccess;
  logger: Logger;
  /** How long each may take. */
  read_ms?: number;
};

/** `key` undefined: of the first repository. */
type NamedThread = {
  number: number;
  key: string | undefined;
  repo_url: string;
  project_id: string | null;
  repository: string;
  is_sure: boolean;
  is_continued: boolean;
};
type Read = NamedThread & ReadThread;

/**
 * Reads at their forges the issues that a task's prompt names, and the pull request that it goes on with, for the
 * worker that begins its conversation: so sending an errand waits for no forge, and the agent gets them as they are
 * then. Resolves with what to put behind the prompt; empty: nothing is named, or the conversation has begun. One that
 * cannot be read holds up nothing. The log is told of each, but for numbers that are no issue, as far as is
 * known. Rejects only if the signal aborts.
 */
export async function readNamedThreads(deps: Dependencies, task_id: string, signal?: AbortSignal): Promise<string> {
  const { db } = deps.log;
  const task = findTask(db, task_id);
  if (!task || hasConversation(db, task_id)) return '';
  const named = namedThreads(db, task);
  if (named.length === 0) return '';
  const first = named.slice(0, LIMITS.named_threads_max);
  const beyond = named.slice(LIMITS.named_threads_max).filter(({ is_sure }) => is_sure);
  // Forges that ask for a new token first take longer than one call: all of it counts.
  const read = Promise.all(first.map((each) => readInTime(deps, task, each, signal)));
  const all = await (signal ? Promise.race([read, aborted(signal)]) : read);
  signal?.throwIfAborted();
  if (!all) return '';
  const reads = all.filter(isTold);
  noteReads(deps.log, task_id, reads);
  return namedMaterial(reads, beyond);
}

/**
 * First those that are issues for sure. Those that the prompt has the text of already, as it has of a mention's issue,
 * are not among them.
 */
function namedThreads(db: Db, task: TaskRow): NamedThread[] {
  const continued = findContinuedPull(db, task.id);
  const named = repositoriesOf(db, task).flatMap(({ key, repo_url, project_id }, n) => {
    const at = repo_url === SAMPLE_REPO_URL ? undefined : repositoryAt(repo_url);
    if (!at) return [];
    const is_first = n === 0;
    const pull = is_first ? continued : undefined;
    const issues = issuesOf(task.prompt, at.origin, at.repository, is_first).filter(
      ({ number, is_given }) => !is_given && number !== pull,
    );
    const { owner, name } = at.repository;
    const where = { key: is_first ? undefined : key, repo_url, project_id, repository: `${owner}/${name}` };
    return [
      ...(pull === undefined ? [] : [{ ...where, number: pull, is_sure: true, is_continued: true }]),
      ...issues.map(({ number, is_sure }) => ({ ...where, number, is_sure, is_continued: false })),
    ];
  });
  return sureFirst(named);
}

/** Colours have so many digits. */
const COLOUR_DIGITS = new Set([3, 4, 6, 8]);

/** Whether the agent and the log are told of a number. It may be no issue at all. */
function isTold(read: Read): boolean {
  if (read.is_sure || 'thread' in read) return true;
  switch (read.problem) {
    case 'not_found':
      return false;
    case 'no_token':
    case 'refused':
      return !COLOUR_DIGITS.has(String(read.number).length);
    case 'rate_limited':
    case 'unreachable':
    case 'failed':
      return true;
  }
}

async function readInTime(
  deps: Dependencies,
  task: TaskRow,
  named: NamedThread,
  stopped: AbortSignal | undefined,
): Promise<Read> {
  const { number, repository } = named;
  const { read_ms = LIMITS.named_threads_ms } = deps;
  const late = AbortSignal.timeout(read_ms);
  const signal = stopped ? AbortSignal.any([stopped, late]) : late;
  const read = readThread(deps, task, named, signal).catch((err: unknown) => {
    const problem = problemOf(err);
    const level = problem === 'failed' && !signal.aborted ? 'error' : 'info';
    deps.logger[level]({ err, task_id: task.id, repository, number }, 'named issue not read');
    return { problem };
  });
  const found = (await within(read_ms, read)) ?? { problem: 'unreachable' as const };
  return { ...named, ...found };
}

/** As the person alone: what they may not read, the server's own app does not read for them. */
async function readThread(
  { access }: Dependencies,
  { user_id }: TaskRow,
  { number, repo_url, project_id }: NamedThread,
  signal: AbortSignal,
) {
  const open = await access.forPerson({ user_id, project_id }, repo_url);
  if (!open) return { problem: 'no_token' as const };
  const { client, repository, token } = open;
  return { thread: await client.thread({ token, signal }, repository, number, LIMITS.thread_comments_max) };
}

function problemOf(error: unknown): ThreadProblem {
  // Of the token: it could not be renewed.
  if (error instanceof ErrandError) return error.code === 'upstream_unreachable' ? 'unreachable' : 'failed';
  if (!(error instanceof ForgeApiError)) return 'failed';
  switch (error.fault) {
    case 'unauthorized':
    case 'forbidden':
    case 'app_refused':
    case 'invalid':
      return 'refused';
    case 'not_found':
    case 'rate_limited':
    case 'unreachable':
      return error.fault;
  }
}

/** Tells the log of each, unless that is known from an attempt before. */
function noteReads(log: EventLog, task_id: string, reads: readonly Read[]): void {
  log.write((tx) => {
    const task = findTask(tx.db, task_id);
    if (!task) return;
    const known = threadReads(tx.db, task_id);
    for (const { key, ...read } of reads) {
      const body: ThreadRead = {
        number: read.number,
        ...(key !== undefined && { repository: key }),
        title: 'thread' in read ? line(read.thread.title) : null,
        problem: 'problem' in read ? read.problem : null,
      };
      const before = known.findLast(({ number, repository }) => number === body.number && repository === key);
      if (!isDeepStrictEqual(before, body)) tx.note(task, { type: 'thread.read', body }, new Date().toISOString());
    }
  });
}
