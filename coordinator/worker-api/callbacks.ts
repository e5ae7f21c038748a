import type { Delta } from '../../protocol/events.ts';
import { ErrandError, type ErrorCode } from '../../protocol/problem.ts';
import type { FailureReason, WaitingFor } from '../../protocol/task.ts';
import type {
  CallbackReply,
  Control,
  Heartbeat,
  MessagesTake,
  MessagesTaken,
  ResultPost,
} from '../../protocol/worker-schemas.ts';
import { askAtEnd, boundNote } from '../tasks/ask-at-end.ts';
import { endAttempt } from '../tasks/advance.ts';
import type { BudgetBound } from '../tasks/budget-bound.ts';
import type { EventQuotas } from '../base/config.ts';
import { takeMessages } from '../tasks/message-commands.ts';
import type { Db } from '../sqlite/database.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import type { Relay } from '../live/relay.ts';
import type { ProgressWatch } from '../workers/progress-watch.ts';
import { markAttemptRunning, markResultReceived, updateLastSeq, type AttemptState } from '../sqlite/attempts.ts';
import { listPendingMessages } from '../sqlite/messages.ts';
import { clearSilence, updateWaitingFor } from '../sqlite/progress.ts';
import { findTask } from '../sqlite/tasks.ts';
import { AttemptStates, type Origin } from './attempt-states.ts';
import { readAttemptState } from './fence.ts';
import { applyEvents, act } from './apply-events.ts';
import { repositoriesFault } from './repositories-fault.ts';
import { faultOf } from './result-fault.ts';
import { storeResult } from './store-result.ts';
import type { CheckedPost, CheckedResult } from './read-callbacks.ts';
import { quotaFault } from './event-quotas.ts';
import { conflict, type Refused, type UncomparedRepeats } from './repeats.ts';
import { checkMessages } from './check-messages.ts';
import {
  mayBePushed,
  tellUnsure,
  unseenPushes,
  withoutPushes,
  type ClaimedPush,
  type LookedAtPush,
  type PushState,
} from './claimed-pushes.ts';
import { checkEventBranches, checkResultBranches } from './check-branches.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { storeEvents } from './store-events.ts';
import { invalid, sizeOf } from './validate-events.ts';
import { checkResult } from './check-result.ts';

export type CallbackDependencies = {
  log: EventLog;
  relay: Relay;
  progress: ProgressWatch;
  event_quotas: EventQuotas;
  budget_bound: BudgetBound;
  /** Runs `SAME` at the task's cost. */
  countSame: (task_id: string, lines: Buffer) => Promise<number>;
  /** What the repository says of a push that a worker names and that was not seen, until `deadline` aborts. */
  findPush: (origin: Origin, push: ClaimedPush, deadline: AbortSignal) => Promise<PushState>;
};

/** How long the repositories of a task may take to say what was pushed: a worker waits 30 seconds for the answer. */
const FIND_PUSHES_MS = 10_000;

/**
 * The three callbacks of a worker: each takes the body, which was read and checked, and resolves with the reply once
 * the changes are on disk. Rejects with the errors that `protocol/worker.ts` lists.
 */
export class Callbacks {
  readonly #log: EventLog;
  readonly #relay: Relay;
  readonly #progress: ProgressWatch;
  readonly #quotas: EventQuotas;
  readonly #budget_bound: BudgetBound;
  readonly #states: AttemptStates;
  readonly #countSame: CallbackDependencies['countSame'];
  readonly #findPush: CallbackDependencies['findPush'];
  readonly #finding = new ConcurrencyLimit(1, 'A result of the task is being checked already.');

  constructor({ log, relay, progress, event_quotas, budget_bound, countSame, findPush }: CallbackDependencies) {
    this.#log = log;
    this.#states = new AttemptStates(log);
    this.#relay = relay;
    this.#progress = progress;
    this.#quotas = event_quotas;
    this.#budget_bound = budget_bound;
    this.#countSame = countSame;
    this.#findPush = findPush;
  }

  async events(origin: Origin, post: CheckedPost): Promise<CallbackReply> {
    requireSameAttempt(origin, post.attempt);
    if (post.events.length === 0 && post.waiting_for === undefined) {
      const reply = this.#relayAtOnce(origin, post.deltas);
      if (reply) return reply;
    }
    for (let same_to = 0; ;) {
      const outcome = await this.#store(origin, post, same_to);
      switch (outcome.kind) {
        case 'stored':
          return outcome.reply;
        case 'refused':
          throw outcome.error;
        case 'uncompared': {
          const other = outcome.events[await this.#countSame(origin.claims.task_id, outcome.lines)];
          if (other) throw conflict(post.events, other);
          same_to = outcome.last_seq;
        }
      }
    }
  }

  /** Stores what a call brings. `same_to`: events that are stored already were compared up to this `seq`. */
  #store(origin: Origin, post: CheckedPost, same_to: number): Promise<Outcome> {
    const checked = post.events;
    return this.#log.enqueue((tx): Outcome => {
      const call = this.#begin(tx, origin);
      const { task_id, attempt: n, state, at } = call;
      const log_bytes = state.log_bytes + sizeOf(checked, state.last_seq);
      // Counted, not read from their numbers: a gap in these is another refusal.
      const events = state.last_seq + checked.filter(({ seq }) => seq > state.last_seq).length;
      // The end is stored, so the refusal is thrown outside of the transaction.
      const full = quotaFault(tx.db, this.#quotas, call, { bytes: log_bytes, events });
      if (full !== null) return giveUp(tx, call, { reason: 'log_full', detail: full, code: 'log_full' });
      const unable = repositoriesFault(tx.db, task_id, state.last_seq, checked);
      if (unable !== null) return giveUp(tx, call, { reason: 'agent_error', detail: unable, code: 'stale_attempt' });
      checkEventBranches(tx.db, task_id, checked);
      checkMessages(tx.db, { task_id, attempt: n, last_seq: state.last_seq }, checked);
      const attempt = { task_id, n, user_id: state.user_id, last_seq: state.last_seq };
      const stored = storeEvents(tx, attempt, checked, same_to);
      if (stored.kind !== 'stored') return stored;
      const { added } = stored;
      const last_seq = state.last_seq + added.length;
      if (added.length > 0) {
        updateLastSeq(tx.db, task_id, n, { last_seq, log_bytes });
        this.#states.stored(origin.claims, { ...state, last_seq, log_bytes }, added.length + 1);
        tx.afterCommit(() => this.#progress.recordProgress(task_id, n));
      }
      applyEvents(tx, { task_id, attempt: n }, added, at);
      if (post.waiting_for !== undefined) this.#setWaitingFor(tx, call, post.waiting_for);
      if (post.deltas.length > 0) tx.afterCommit(() => this.#relayDeltas(call, post.deltas));
      return { kind: 'stored', reply: { acked_seq: last_seq, control: controlOf(tx.db, call) } };
    });
  }

  async heartbeat(origin: Origin, heartbeat: Heartbeat): Promise<CallbackReply> {
    requireSameAttempt(origin, heartbeat.attempt);
    return this.#log.enqueue((tx) => {
      const call = this.#begin(tx, origin);
      this.#setWaitingFor(tx, call, heartbeat.waiting_for);
      return { acked_seq: call.state.last_seq, control: controlOf(tx.db, call) };
    });
  }

  /** The worker takes messages: from here on nobody can change them. */
  async take(origin: Origin, { attempt, ids }: MessagesTake): Promise<MessagesTaken> {
    requireSameAttempt(origin, attempt);
    return this.#log.enqueue((tx) => {
      const { task_id, at } = this.#begin(tx, origin);
      return { messages: takeMessages(tx, task_id, ids, at) };
    });
  }

  async result(origin: Origin, checked: CheckedResult): Promise<CallbackReply> {
    const { result } = checked;
    requireSameAttempt(origin, result.attempt);
    checkResult(result);
    const looked_at = await this.#lookForPushes(origin, result);
    return this.#log.enqueue((tx) => {
      checkResultBranches(tx.db, origin.claims.task_id, result);
      const before = readAttemptState(tx.db, origin.claims, origin.listener);
      // A repeat: the worker did not get the first reply.
      if (before.result_at !== null) return { acked_seq: before.last_seq, control: { messages: [], cancel: null } };
      const call = this.#begin(tx, origin);
      requireAllEvents(call.state, result);
      this.#end(tx, call, checked, looked_at);
      return { acked_seq: result.last_seq, control: { messages: [], cancel: null } };
    });
  }

  /** Asks for the pushes that a result names and that were not seen. A repeat of a result was looked at already. */
  async #lookForPushes(origin: Origin, result: ResultPost): Promise<LookedAtPush[]> {
    const { claims, listener } = origin;
    const { db } = this.#log;
    const state = readAttemptState(db, claims, listener);
    const unseen = state.result_at === null ? unseenPushes(db, claims.task_id, result) : [];
    if (unseen.length === 0) return [];
    checkResultBranches(db, claims.task_id, result);
    requireAllEvents(state, result);
    return this.#finding.run(claims.task_id, async () => {
      const deadline = AbortSignal.timeout(FIND_PUSHES_MS);
      const looked_at: LookedAtPush[] = [];
      for (const push of unseen) looked_at.push({ push, state: await this.#findPush(origin, push, deadline) });
      return looked_at;
    });
  }

  /**
   * The first step of every callback, in its transaction: checks that the attempt is active. Its first call sets the
   * task to `running`.
   */
  #begin(tx: Tx, origin: Origin): ActiveCall {
    const state = this.#states.active(origin);
    const at = new Date().toISOString();
    const { task_id, attempt } = origin.claims;
    if (state.attempt_status === 'starting') {
      markAttemptRunning(tx.db, task_id, attempt);
      act(tx, task_id, { type: 'worker_called', at });
    }
    if (state.silence !== null) {
      clearSilence(tx.db, task_id);
      this.#relay.state(tx, task_id);
    }
    return { task_id, attempt, state, at };
  }

  #setWaitingFor(tx: Tx, { task_id, attempt, state }: ActiveCall, waiting: WaitingFor | null): void {
    tx.afterCommit(() => this.#progress.recordWait(task_id, attempt, waiting));
    const waiting_for = waiting && JSON.stringify(waiting);
    if (waiting_for === state.waiting_for) return;
    updateWaitingFor(tx.db, task_id, waiting_for);
    this.#relay.state(tx, task_id);
  }

  /**
   * Relays deltas that come alone: nothing of them is stored, so they wait for no transaction. Undefined: the call
   * changes the task's row, as the first one does.
   */
  #relayAtOnce(origin: Origin, deltas: Delta[]): CallbackReply | undefined {
    const { task_id, attempt } = origin.claims;
    const state = this.#states.active(origin);
    if (state.attempt_status === 'starting' || state.silence !== null) return undefined;
    const call = { task_id, attempt, state };
    if (deltas.length > 0) this.#relayDeltas(call, deltas);
    return { acked_seq: state.last_seq, control: controlOf(this.#log.db, call) };
  }

  #relayDeltas({ task_id, attempt, state }: Omit<ActiveCall, 'at'>, deltas: Delta[]): void {
    this.#progress.recordOutput(task_id, attempt);
    this.#relay.deltas({ id: task_id, user_id: state.user_id }, attempt, deltas);
  }

  #end(tx: Tx, { task_id, attempt, at }: ActiveCall, checked: CheckedResult, looked_at: LookedAtPush[]): void {
    const { result: reported, had_secret } = checked;
    const task = findTask(tx.db, task_id);
    if (!task) throw new Error(`Task ${task_id} does not exist.`);
    const unpushed = looked_at.flatMap((each) => (mayBePushed(tx.db, each) ? [] : [each.push]));
    tellUnsure(tx, task, looked_at, at);
    const result = withoutPushes(reported, unpushed);
    storeResult(tx, task, { result, had_secret }, at);
    markResultReceived(tx.db, task_id, attempt, at);
    const fault = faultOf(tx.db, { task_id, attempt }, reported, unpushed);
    const { status, reason, detail: why } = fault === null ? result : { status: 'failed' as const, ...fault };
    const ask = askAtEnd(tx.db, this.#budget_bound, task, { ...result, status, reason });
    const detail = why === null ? null : why + boundNote(tx.db, this.#budget_bound, task, { reason });
    const retry_at = result.retry_at ?? null;
    const end = { status: ask ? ('parked' as const) : status, reason, detail, at, retry_at };
    const ended = endAttempt(tx, task, attempt, end, ask);
    if (!ended) throw new Error(`Attempt ${attempt} of task ${task_id} had ended before its result was stored.`);
  }
}

/** A callback whose attempt is active. `state`: the attempt's state before this call. `at`: the time of the call. */
type ActiveCall = { task_id: string; attempt: number; state: AttemptState; at: string };

/** What became of a call with events. */
type Outcome = { kind: 'stored'; reply: CallbackReply } | Refused | UncomparedRepeats;

type Ending = { reason: FailureReason; detail: string; code: ErrorCode };

/** Ends an attempt whose worker cannot go on, and returns the refusal of its call. */
function giveUp(tx: Tx, { task_id, attempt, at }: ActiveCall, { reason, detail, code }: Ending): Refused {
  const task = findTask(tx.db, task_id);
  if (task) endAttempt(tx, task, attempt, { status: 'failed', reason, detail, at });
  return { kind: 'refused', error: new ErrandError(code, `${detail} Stop at once.`) };
}

/** The pending messages and cancel, for every reply. A callback adds no message: if there was none, there is none. */
function controlOf(db: Db, { task_id, state }: Omit<ActiveCall, 'at'>): Control {
  const messages = state.has_messages === 1 ? listPendingMessages(db, task_id) : [];
  return { messages, cancel: state.cancel_reason === null ? null : { reason: state.cancel_reason } };
}

/** Throws where the newest event that has arrived is not the one that the result names as its last. */
function requireAllEvents({ last_seq }: AttemptState, result: ResultPost): void {
  if (result.last_seq > last_seq)
    throw new ErrandError('events_missing', `The events from ${last_seq + 1} on have not arrived.`, {
      expected_seq: last_seq + 1,
    });
  if (result.last_seq < last_seq) throw invalid('/last_seq', `is below ${last_seq}, the newest event that has arrived`);
}

function requireSameAttempt({ claims }: Origin, attempt: number): void {
  if (attempt !== claims.attempt)
    throw invalid('/attempt', `does not match the token, which is for attempt ${claims.attempt}`);
}
