import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { within } from '../../base/deadline.ts';
import type { Logger } from '../../base/logger.ts';
import type { PullRow } from '../../domain/pull.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { findPull, listDuePulls, nextPullDueAt } from '../../sqlite/pulls.ts';
import { findTask } from '../../sqlite/tasks.ts';
import type { ForgeAccess } from '../forge-access.ts';
import { lookAtPull } from './look-at-pull.ts';
import { openPull } from './open-pull.ts';
import { changePull } from './pull-commands.ts';
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

const AT_ONCE_MAX = 4;
const DUE_MAX = 50;
/** All calls for one pull request. */
const CALL_MS = 60_000;
const SLEEP_MS = 60_000;
const STOP_MS = 2_000;

/**
 * Asks the forges for what is due: opens pull requests, and looks at the open ones. What a forge answered is stored with
 * the time of the next call. A server that dies in between asks again, and opening looks for what is there first: so a
 * branch never gets two.
 */
export class PullKeeper {
  readonly #deps: Dependencies;
  readonly #stopped = new AbortController();
  readonly #busy = new Map<string, Promise<void>>();
  #wake: () => void = () => undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  start(): void {
    const unsubscribe = this.#deps.log.subscribeToNotice('pulls', () => this.#wake());
    this.#work = this.#run().finally(unsubscribe);
  }

  /** Ends the calls in progress: they are made again at the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    await within(STOP_MS, Promise.all([this.#work, ...this.#busy.values()]));
  }

  async #run(): Promise<void> {
    const { log, now, logger } = this.#deps;
    while (!this.#stopped.signal.aborted) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      let sleep_ms = SLEEP_MS;
      try {
        this.#startDue();
        const next = nextPullDueAt(log.db, iso(now()));
        if (next !== undefined) sleep_ms = Math.min(sleep_ms, Math.max(10, Date.parse(next) - now()));
      } catch (error) {
        logger.error({ err: error }, 'pull requests could not be read; retrying');
      }
      const signal = AbortSignal.any([woken.signal, this.#stopped.signal]);
      await delay(sleep_ms, undefined, { ref: false, signal }).catch(() => undefined);
    }
  }

  #startDue(): void {
    const { log, now } = this.#deps;
    for (const row of listDuePulls(log.db, iso(now()), DUE_MAX + this.#busy.size)) {
      if (this.#busy.size >= AT_ONCE_MAX) return;
      if (this.#busy.has(row.id)) continue;
      const done = this.#ask(row)
        .catch((error: unknown) => this.#putOff(row, error))
        .finally(() => {
          this.#busy.delete(row.id);
          this.#wake();
        });
      this.#busy.set(row.id, done);
    }
  }

  async #ask(row: PullRow): Promise<void> {
    const { log, access, pageOf, logger } = this.#deps;
    const task = findTask(log.db, row.task_id);
    if (!task) return;
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(CALL_MS)]);
    const branches = pushedBranches(log.db, task);
    const surroundings = pullSurroundings(log.db, task, row);
    const call = { access, task, row, surroundings, branches, signal, url: pageOf(task.id) };
    try {
      const found = await (row.state === 'opening' ? openPull(call) : lookAtPull(call));
      this.#store(row, { ...found, problem: null, failures: 0 }, surroundings.others);
      if (row.state === 'opening')
        logger.info({ task_id: task.id, url: found.url, author: found.author }, 'pull request opened');
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      const fault = faultOf(error, { host: new URL(row.repo_url).host, branch: row.head_branch });
      const level = error instanceof PullRefused ? 'info' : 'warn';
      logger[level]({ err: error, task_id: task.id, retries: fault.worth_a_retry }, 'pull request failed');
      this.#store(row, afterFault(row, fault, this.#deps.times, this.#deps.now()));
    }
  }

  /**
   * Stores what was learned. Where the row was changed meanwhile, the answer may be out of date: it is asked anew. So it is
   * where another repository got its pull request meanwhile: `others`, to which the text links, is out of date.
   */
  #store(row: PullRow, found: Partial<PullRow>, others?: readonly string[]): void {
    const { log, now, times } = this.#deps;
    const at = iso(now());
    log.write((tx) => {
      const current = findPull(tx.db, row.id);
      const task = findTask(tx.db, row.task_id);
      if (!current || !task) return;
      const changed_meanwhile = current.next_look_at !== row.next_look_at;
      if (changed_meanwhile && row.state !== 'opening') return void changePull(tx, row.id, again(current, at), at);
      const links_changed =
        others !== undefined && !isDeepStrictEqual(pullSurroundings(tx.db, task, row).others, others);
      changePull(tx, row.id, links_changed ? { ...found, told_commit: null } : found, at);
      const after = findPull(tx.db, row.id);
      if (!after || 'next_look_at' in found) return;
      changePull(
        tx,
        row.id,
        { next_look_at: changed_meanwhile || links_changed ? at : nextLook(after, times, now()) },
        at,
      );
    });
  }

  /** After an error of the server itself, such as a full disk: that must not be tried again at once. */
  async #putOff(row: PullRow, error: unknown): Promise<void> {
    this.#deps.logger.error({ err: error, pull_id: row.id }, 'pull request could not be stored; retrying');
    const signal = this.#stopped.signal;
    await delay(this.#deps.times.retry_ms_min, undefined, { ref: false, signal }).catch(() => undefined);
  }
}

function again({ state }: PullRow, at: string): Partial<PullRow> {
  return { next_look_at: state === 'open' || state === 'opening' ? at : null };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
