import { LIMITS } from '../../protocol/limits.ts';
import type { FailureReason, WaitingFor } from '../../protocol/task.ts';
import { endAttempt } from '../tasks/advance.ts';
import { Leases, type LeaseTimes, type LostLease, type Silence } from './leases.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Logger } from '../base/logger.ts';
import type { Relay } from '../live/relay.ts';
import type { Signals } from '../tasks/signals.ts';
import { listLivingAttempts } from '../sqlite/attempts.ts';
import { findState, markSilent } from '../sqlite/progress.ts';
import { findTask } from '../sqlite/tasks.ts';
import type { AttemptRow } from '../domain/task.ts';
import { ProgressWatch, type Stall, type StallTimes } from './progress-watch.ts';

type Deps = { log: EventLog; relay: Relay; signals: Signals; logger: Logger };

/** The two watches over workers: that they call, and that their work moves and ends. */
export type Watch = {
  leases: Leases;
  progress: ProgressWatch;
  /** An attempt was begun, or found living. */
  begin: (attempt: Pick<AttemptRow, 'task_id' | 'n' | 'started_at'>) => void;
  stop: () => void;
};

/**
 * The worker ends an attempt by itself at its time limit, which begins once the repository is there. One that has not, this much later, is ended from
 * here: fetching a repository and pushing to it may take as long at the worst, with all their tries.
 */
const OVER_TIME_MS = 2 * 3600_000;

/**
 * Watches the workers. One that falls silent is told of, and loses its attempt as `worker_lost` when its lease ends; one that calls while its work
 * stands still loses it as `worker_hung`. Every attempt that is alive in the database gets a full lease now, whatever its worker
 * had left before this process was started. `time_limit_ms`: after how long a worker ends its attempt.
 */
export function watchWorkers(deps: Deps, times: { time_limit_ms: number } & Partial<LeaseTimes & StallTimes>): Watch {
  const { log, relay, signals, logger } = deps;
  const { lease_ms, time_limit_ms, ...rest } = { ...LIMITS, ...times };

  /** False: it could not be stored now. */
  function end(attempt: { task_id: string; attempt: number }, reason: FailureReason, detail: string): boolean {
    const { task_id, attempt: n } = attempt;
    try {
      const ended = log.write((tx) => {
        const task = findTask(tx.db, task_id);
        const at = new Date().toISOString();
        return task !== undefined && endAttempt(tx, task, n, { status: 'failed', reason, detail, at }) !== undefined;
      });
      if (ended) signals.ended(task_id, n);
      return true;
    } catch (error) {
      logger.error({ err: error, task_id, attempt: n }, 'the end of an attempt could not be noted; it is tried again');
      return false;
    }
  }

  const lost = (lease: LostLease) => {
    if (!end(lease, 'worker_lost', wordsForLost(lease, lease_ms))) leases.touch(lease.task_id, lease.attempt);
  };

  const silent = ({ task_id, attempt, since_ms, until_ms }: Silence) => {
    const [since, until] = [new Date(since_ms).toISOString(), new Date(until_ms).toISOString()];
    try {
      log.write((tx) => {
        const silence: WaitingFor = { kind: 'silent_worker', since, until };
        if (!markSilent(tx.db, task_id, attempt, JSON.stringify(silence))) return;
        const state = findState(tx.db, task_id);
        if (state) tx.afterCommit(() => relay.state(state));
      });
      logger.warn({ task_id, attempt, since, until }, 'a worker is silent');
    } catch (error) {
      logger.error({ err: error, task_id, attempt }, "a worker's silence could not be noted");
    }
  };

  const leases = new Leases({ lease_ms, silent_ms: rest.silent_ms }, { silent, lost });
  const hung = (stall: Stall): boolean =>
    stall.over_time
      ? end(stall, 'time_limit', 'The worker went on for longer than an attempt may take, and was ended.')
      : end(stall, 'worker_hung', wordsForStall(stall));
  const progress = new ProgressWatch(hung, rest);
  const begin: Watch['begin'] = ({ task_id, n, started_at }) => {
    leases.touch(task_id, n);
    // By the clock, which may have been set meanwhile: it has some time left in any case, and no more than a new one.
    const age_ms = Date.now() - Date.parse(started_at);
    progress.begin(task_id, n, OVER_TIME_MS + Math.min(time_limit_ms, Math.max(0, time_limit_ms - age_ms)));
  };
  for (const attempt of listLivingAttempts(log.db)) begin(attempt);
  return {
    leases,
    progress,
    begin,
    stop: () => {
      leases.stop();
      progress.stop();
    },
  };
}

function wordsForLost({ called }: LostLease, lease_ms: number): string {
  const lease_s = Math.round(lease_ms / 1000);
  return called
    ? `The worker fell silent: nothing was heard of it for ${lease_s} seconds.`
    : `The worker did not call within ${lease_s} seconds.`;
}

function wordsForStall({ waiting_for }: Stall): string {
  const last =
    waiting_for === null
      ? 'it did not say what it waited for'
      : `the last that it waited for was ${named(waiting_for)}`;
  return `The worker went on calling, but its work stood still: ${last}.`;
}

function named(waiting: WaitingFor): string {
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
