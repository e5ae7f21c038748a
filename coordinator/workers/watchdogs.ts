import { LIMITS } from '../../protocol/limits.ts';
import type { FailureReason, WaitingFor } from '../../protocol/task.ts';
import type { Logger } from '../base/logger.ts';
import type { AttemptRow } from '../domain/task.ts';
import type { Relay } from '../live/relay.ts';
import { listActiveAttempts } from '../sqlite/attempts.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { listOpenNeeds } from '../sqlite/needs.ts';
import { setSilence } from '../sqlite/progress.ts';
import { findNewestEvent } from '../sqlite/steps.ts';
import { findTask } from '../sqlite/tasks.ts';
import { endAttempt } from '../tasks/advance.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import { Leases, type ExpiredLease, type LeaseTimes, type Silence } from './leases.ts';
import { ProgressWatch, type Stall, type StallTimes } from './progress-watch.ts';

export type WatchdogTimes = { time_limit_ms: number } & LeaseTimes & StallTimes;

export type WatchdogDependencies = {
  log: EventLog;
  relay: Relay;
  gate: DispatchGate;
  logger: Logger;
  times: WatchdogTimes;
};

/**
 * A worker ends its attempt at the time limit, which counts from when the repository is ready. The coordinator ends
 * the attempt this much later: at worst, cloning and pushing take so long with all their retries.
 */
const OVER_TIME_MS = 2 * 3600_000;

type OfAttempt = { task_id: string; attempt: number };
type End = Parameters<typeof endAttempt>[3];

/**
 * The watchdogs over workers. A worker that makes no calls is reported as silent, and loses its attempt with
 * `worker_lost` when its lease expires. A worker that calls but makes no progress loses it with `worker_hung`; one that
 * takes too long, with `time_limit`. An open question may wait for any time: at the time limit its task is parked until
 * the answer. At the start every active attempt gets a full lease.
 */
export class Watchdogs {
  readonly leases: Leases;
  readonly progress: ProgressWatch;
  readonly #deps: WatchdogDependencies;

  constructor(deps: WatchdogDependencies) {
    this.#deps = deps;
    const { log, times, logger } = deps;
    this.leases = new Leases(times, {
      silent: (silence) => this.#silent(silence),
      expired: (lease) => this.#expired(lease),
    });
    this.progress = new ProgressWatch({ onStall: (stall) => this.#stalled(stall), times, logger });
    log.subscribe('attempt.started', ({ task_id, attempt, at }) =>
      this.#watch({ task_id, n: attempt, started_at: at }),
    );
    log.subscribe('attempt.ended', ({ task_id, attempt }) => {
      this.leases.end(task_id, attempt);
      this.progress.end(task_id, attempt);
    });
  }

  /** Watches the active attempts. */
  start(): void {
    this.progress.start();
    for (const attempt of listActiveAttempts(this.#deps.log.db)) this.#watch(attempt);
  }

  stop(): void {
    this.leases.stop();
    this.progress.stop();
  }

  #watch({ task_id, n, started_at }: Pick<AttemptRow, 'task_id' | 'n' | 'started_at'>): void {
    const { time_limit_ms } = this.#deps.times;
    this.leases.begin(task_id, n);
    // The wall clock may have been changed meanwhile, so the rest is clamped between 0 and the whole limit.
    const age_ms = Date.now() - Date.parse(started_at);
    const left_ms = Math.min(time_limit_ms, Math.max(0, time_limit_ms - age_ms));
    this.progress.begin(task_id, n, OVER_TIME_MS + left_ms);
  }

  #silent({ task_id, attempt, since_ms, until_ms }: Silence): void {
    const { log, relay, logger } = this.#deps;
    const [since, until] = [new Date(since_ms).toISOString(), new Date(until_ms).toISOString()];
    try {
      log.write((tx) => {
        const silence: WaitingFor = { kind: 'silent_worker', since, until };
        if (setSilence(tx.db, task_id, attempt, JSON.stringify(silence))) relay.state(tx, task_id);
      });
      logger.warn({ task_id, attempt, since, until }, 'worker silent');
    } catch (error) {
      logger.error({ err: error, task_id, attempt }, 'worker silence not stored');
    }
  }

  #expired(lease: ExpiredLease): void {
    const detail = describeExpiry(lease, this.#deps.times.lease_ms);
    const engine_lost = this.#deps.gate.of('runner') !== null;
    if (!this.#end(lease, { status: 'failed', reason: 'worker_lost', detail, engine_lost }))
      this.leases.begin(lease.task_id, lease.attempt);
  }

  #stalled(stall: Stall): boolean {
    const is_asking = this.#isAsking(stall);
    if (stall.over_time)
      return is_asking
        ? this.#end(stall, { status: 'parked', reason: null, detail: null })
        : this.#fail(stall, 'time_limit', 'The worker took longer than an attempt may take, and was killed.');
    // Its question is what it waits for, unless it says that it waits for something else, and until when.
    if (is_asking && !hasEnd(stall.waiting_for)) return false;
    return this.#fail(stall, 'worker_hung', describeStall(stall));
  }

  /** Whether this attempt has an open question: one that an earlier attempt left open is not what it waits for. */
  #isAsking({ task_id, attempt }: OfAttempt): boolean {
    const { db } = this.#deps.log;
    const is_open = listOpenNeeds(db, task_id).some(({ kind }) => kind === 'question');
    return is_open && findNewestEvent(db, task_id, attempt, ['question.asked']) !== undefined;
  }

  #fail(attempt: OfAttempt, reason: FailureReason, detail: string): boolean {
    return this.#end(attempt, { status: 'failed', reason, detail });
  }

  /** Ends the attempt. Returns false if that cannot be stored now. */
  #end({ task_id, attempt }: OfAttempt, end: Omit<End, 'at'>): boolean {
    const { log, logger } = this.#deps;
    try {
      log.write(
        (tx) => {
          const task = findTask(tx.db, task_id);
          if (task) endAttempt(tx, task, attempt, { ...end, at: new Date().toISOString() });
        },
        { urgent: true },
      );
      return true;
    } catch (error) {
      logger.error({ err: error, task_id, attempt }, 'attempt end not stored; retrying');
      return false;
    }
  }
}

/** The default times of the watchdogs, with some of them replaced. */
export function watchdogTimes(times: { time_limit_ms: number } & Partial<WatchdogTimes>): WatchdogTimes {
  return { ...LIMITS, ...times };
}

function describeExpiry({ has_called }: ExpiredLease, lease_ms: number): string {
  const lease_s = Math.round(lease_ms / 1000);
  return has_called
    ? `The worker fell silent: it made no call for ${lease_s} seconds.`
    : `The worker made no call within ${lease_s} seconds after its start.`;
}

function hasEnd(waiting_for: WaitingFor | null): boolean {
  return waiting_for !== null && 'until' in waiting_for && waiting_for.until !== undefined;
}

function describeStall({ waiting_for }: Stall): string {
  const last =
    waiting_for === null ? 'it did not say what it waited for' : `it last waited for ${describeWait(waiting_for)}`;
  return `The worker kept calling, but its work made no progress: ${last}.`;
}

function describeWait(waiting: WaitingFor): string {
  switch (waiting.kind) {
    case 'command':
      return `the command \`${waiting.command}\``;
    case 'model':
    case 'person':
    case 'repository':
      return `the ${waiting.kind}`;
    case 'limit':
      return `a limit (${waiting.reason})`;
    case 'queue':
    case 'worker':
    case 'silent_worker':
      return `the ${waiting.kind.replace('_', ' ')}`;
  }
}
