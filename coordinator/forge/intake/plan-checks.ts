import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { isEnded } from '../../../protocol/task.ts';
import type { ThreadPool } from '../../base/threads.ts';
import type { Db } from '../../sqlite/database.ts';
import { insertRequest, isRequestKnown } from '../../sqlite/forge-requests.ts';
import type { Check, ForgeEvent } from '../forge.ts';
import type { OpenForge } from '../forge-access.ts';
import { ForgeApiError, isLasting, isRefusal, undefinedIf } from '../forge-api-error.ts';
import { mayRead } from '../may-read.ts';
import { readChecks } from '../read-checks.ts';
import { addressOf } from '../repository-name.ts';
import { storeEvent } from '../store-event.ts';
import { openFor } from './asker.ts';
import { CUT_LOG } from './cut-log.ts';
import { haveWaited } from '../pulls/hear-checks.ts';
import { pullsOfCheck } from '../pulls/pulls-of-check.ts';
import { goBack } from './go-back.ts';
import { checksMessage } from './material.ts';
import type { Effect, PlanParts } from './plan.ts';
import { answeringPull, followedPull, stillFollowed, withheld, type FollowedPull } from './pull-of-errand.ts';

const LOG_BYTES_MAX = 2 * 1024 * 1024;

/**
 * A check that has ended: each pull request that it is about is looked at by itself. Several may be at the commit, and
 * that of the branch that the forge names may be at another one.
 */
export function planCheck(db: Db, forge_id: string, event: Extract<ForgeEvent, { type: 'check' }>): Effect | undefined {
  if (event.check.state === 'running') return undefined;
  const { delivery_id, at, repository, sender, commit } = event;
  const numbers = new Set(pullsOfCheck(db, forge_id, event).flatMap(({ number }) => number ?? []));
  return (tx) => {
    for (const number of numbers) {
      const ids = { delivery_id: `${delivery_id}:${number}`, at, repository, sender };
      storeEvent(tx, forge_id, { ...ids, type: 'pull_checks', number, commit }, new Date().toISOString());
    }
  };
}

/**
 * Failed checks of an errand's pull request send the errand back to work, once for each commit: when the last check
 * that runs has ended, with the logs of all that failed. Those outside of the forge may never end: they are waited
 * for as `haveWaited` says. Undefined: nothing follows. An errand that is at work may have left the commit behind: its
 * checks are looked at when the work has ended (`hearFailedChecks`).
 */
export async function planChecks(
  parts: PlanParts,
  forge: { id: string; origin: string },
  { commit, repository, number }: Extract<ForgeEvent, { type: 'pull_checks' }>,
  signal: AbortSignal,
): Promise<Effect | undefined> {
  const { db } = parts.log;
  const key = { forge_id: forge.id, repository_id: repository.id, number };
  const concerned = followedPull(db, answeringPull(db, key));
  if (!concerned || !isEnded(concerned.task.status)) return undefined;
  const source = `checks:${number}:${commit}`;
  if (isRequestKnown(db, key, source)) return undefined;
  const { task, project } = concerned;
  const who = { user_id: task.user_id, project_id: project.id };
  const repo_url = addressOf(forge.origin, repository);
  if (!(await mayRead(parts.access, who, repo_url, signal))) return withheld(parts, concerned);
  const open = await openFor(parts.access, who, repo_url);
  const { pull } = concerned;
  const waits = pull.head_commit !== commit || !haveWaited(pull, new Date().toISOString());
  const failed =
    open && (await readFailed(parts, open, { number, commit, waits }, signal).catch(undefinedIf(isRefusal)));
  if (!failed || failed.length === 0) return undefined;
  return (tx) => {
    const now = stillFollowed(tx.db, key, task);
    const at = new Date().toISOString();
    if (!now || !isEnded(now.task.status)) return;
    if (!insertRequest(tx.db, { ...key, source, user_id: null, task_id: now.task.id }, at)) return;
    const url = urlOf(now);
    goBack(tx, parts, now, {
      forge_id: forge.id,
      messages: [{ compose: (n) => checksMessage(failed, { commit, url, n }), comments: [null] }],
      is_wish: false,
    });
  };
}

function urlOf({ pull }: FollowedPull): string {
  return pull.url ?? `#${pull.number}`;
}

/**
 * The failed checks of the newest commit, with what matters of their logs. Undefined: it is not the newest, or jobs
 * run; with `waits`, or any check does. With `waits` it rejects where a log cannot be read now: forges keep them in a
 * store elsewhere, which the server may not be let through to. A log that the forge does not give out holds up nothing.
 */
async function readFailed(
  { threads, logger }: Pick<PlanParts, 'threads' | 'logger'>,
  { client, repository, token }: OpenForge,
  { number, commit, waits }: { number: number; commit: string; waits: boolean },
  signal: AbortSignal,
): Promise<{ check: Check; log: string }[] | undefined> {
  const access = { token, signal };
  const pull = await client.pull(access, repository, number);
  if (pull.state !== 'open' || pull.head.commit !== commit) return undefined;
  const { items: checks } = await readChecks(client, access, repository, commit);
  if (checks.some(({ state, log_id }) => state === 'running' && (waits || log_id !== null))) return undefined;
  const failed = checks.filter(({ state }) => state === 'failed').slice(0, LIMITS.failed_checks_max);
  const noLog = (error: unknown) => {
    if (!isLasting(error) && (waits || !isAway(error))) throw error;
    logger.info({ err: error, number, commit }, 'log of a failed check not read');
    return Buffer.alloc(0);
  };
  return Promise.all(
    failed.map(async (check) => {
      const end = await client.checkLog(access, repository, check, LOG_BYTES_MAX).catch(noLog);
      return { check, log: await tellingLines(threads, client.origin, end) };
    }),
  );
}

/** What of a log says why its job failed; nothing of one that is too expensive to look through. */
async function tellingLines(threads: ThreadPool, key: string, log: Buffer): Promise<string> {
  try {
    return (await threads.run({ key, charge: () => undefined }, CUT_LOG, log, [LIMITS.check_log_chars_max])).value;
  } catch (error) {
    if (error instanceof ErrandError && error.code === 'too_large') return '';
    throw error;
  }
}

function isAway(error: unknown): boolean {
  return error instanceof ForgeApiError && error.fault === 'unreachable';
}
