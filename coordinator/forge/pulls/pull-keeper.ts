import { isDeepStrictEqual } from 'node:util';
import { DueQueue } from '../../base/due-queue.ts';
import type { Logger } from '../../base/logger.ts';
import { isoTime } from '../../base/iso-time.ts';
import { isEnded } from '../../../protocol/task.ts';
import type { PullRow } from '../../domain/pull.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { bringPullsForward, findPull, listDuePulls, nextPullDueAt } from '../../sqlite/pulls.ts';
import { findTask } from '../../sqlite/tasks.ts';
import type { ForgeAccess } from '../forge-access.ts';
import { hearFailedChecks } from './hear-checks.ts';
import { lookAtPull } from './look-at-pull.ts';
import { openPull } from './open-pull.ts';
import { changePull, pullAfterEnd } from './pull-commands.ts';
import { faultOf, PullRefused } from './pull-faults.ts';
import { pullSurroundings } from './pull-surroundings.ts';
import { pushedBranches } from './pushed-branches.ts';
import { afterFault, nextLook, type PullTimes } from './pull-schedule.ts';

type Dependencies = {
  log: EventLog;
  access: ForgeAccess;
  /** The page of an errand; undefined: the server does not know its own address. */
  pageOf: (task_id: string) => string | undefined;
  times: PullTimes;
  /** Milliseconds since 1970. */
  now: () => number;
  logger: Logger;
};

const AT_ONCE_MAX = 8;
/** So that a forge that does not answer leaves room for others. */
const AT_ONE_FORGE_MAX = 4;
/** All calls for one pull request. */
const CALL_MS = 60_000;

/**
 * Asks the forges for what is due: opens pull requests, and looks at the open ones. What a forge answered is stored
 * with the time of the next call. A server that dies in between asks again, and opening looks for what is there first:
 * so a branch never gets two.
 */
export class PullKeeper {
  readonly #deps: Dependencies;
  readonly #queue: DueQueue<PullRow>;
  #unsubscribe: () => void = () => undefined;

  constructor(deps: Dependencies) {
    this.#deps = deps;
    const { log, times, now, logger } = deps;
    this.#queue = new DueQueue({
      name: 'pulls',
      listDue: (at, limit, { full }) => listDuePulls(log.db, at, limit, full),
      nextAt: (at) => nextPullDueAt(log.db, at),
      bringForward: (latest, at) => log.write(({ db }) => bringPullsForward(db, latest, at)),
      keyOf: ({ id }) => id,
      at_once_max: AT_ONCE_MAX,
      groupsOf: ({ origin }) => [{ name: origin, at_once_max: AT_ONE_FORGE_MAX }],
      work: (row, stopped) => this.#ask(row, stopped),
      pause_ms: times.retry_ms_min,
      now,
      logger,
    });
  }

  start(): void {
    this.#unsubscribe = this.#deps.log.subscribeToNotice('pulls', () => this.#queue.wake());
    this.#queue.start();
  }

  /** Ends the calls in progress: they are made again at the next start. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#queue.stop();
  }

  async #ask(row: PullRow, stopped: AbortSignal): Promise<void> {
    const { log, access, pageOf, logger } = this.#deps;
    const task = findTask(log.db, row.task_id);
    if (!task) return;
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(CALL_MS)]);
    const branches = pushedBranches(log.db, task);
    const surroundings = pullSurroundings(log.db, task, row);
    const { conflicts_ms } = this.#deps.times;
    const call = { access, task, row, surroundings, branches, signal, url: pageOf(task.id), conflicts_ms };
    try {
      const found = await (row.state === 'opening' ? openPull(call) : lookAtPull(call));
      this.#store(row, { problem: null, failures: 0, ...found }, surroundings.others);
      if (row.state === 'opening')
        logger.info({ task_id: task.id, url: found.url, author: found.author }, 'pull request opened');
    } catch (error) {
      if (stopped.aborted) return;
      const fault = faultOf(error, { host: new URL(row.repo_url).host, branch: row.head_branch });
      const level = error instanceof PullRefused ? 'info' : 'warn';
      logger[level]({ err: error, task_id: task.id, retries: fault.worth_a_retry }, 'pull request failed');
      this.#store(row, afterFault(row, fault, this.#deps.times, this.#deps.now()));
    }
  }

  /**
   * Stores what was learned. Where the row was changed meanwhile, the answer may be out of date: it is asked anew. So
   * it is where another repository got its pull request meanwhile: `others`, to which the text links, is out of date.
   */
  #store(row: PullRow, found: Partial<PullRow>, others?: readonly string[]): void {
    const { log, now, times } = this.#deps;
    const at = isoTime(now());
    log.write((tx) => {
      const current = findPull(tx.db, row.id);
      const task = findTask(tx.db, row.task_id);
      if (!current || !task) return;
      const changed_meanwhile = current.next_look_at !== row.next_look_at;
      if (changed_meanwhile && row.state !== 'opening') return void changePull(tx, row.id, again(current, at), at);
      const links_changed =
        others !== undefined && !isDeepStrictEqual(pullSurroundings(tx.db, task, row).others, others);
      // Those of work in progress say nothing: the forge is asked again when the work has ended.
      const checks = found.checks && !isEnded(task.status) ? { checks: null } : {};
      changePull(tx, row.id, { ...found, ...checks, ...(links_changed && { told_commit: null }) }, at);
      const after = findPull(tx.db, row.id);
      if (after && found.checks) hearFailedChecks(tx, after, task, at);
      // The task may have pushed in between.
      const has_ended = after?.state === 'merged' || after?.state === 'closed';
      if (has_ended && task.status === 'succeeded') pullAfterEnd(tx, task, after, at);
      if (!after || 'next_look_at' in found) return;
      changePull(
        tx,
        row.id,
        { next_look_at: changed_meanwhile || links_changed ? at : nextLook(after, times, now()) },
        at,
      );
    });
  }
}

function again({ state }: PullRow, at: string): Partial<PullRow> {
  return { next_look_at: state === 'open' || state === 'opening' ? at : null };
}
