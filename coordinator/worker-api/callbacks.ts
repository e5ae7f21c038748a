import type { Delta } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, parse } from '../../protocol/problem.ts';
import type { WaitingFor } from '../../protocol/task.ts';
import { EventsPost, Heartbeat, ResultPost, type CallbackReply, type Control } from '../../protocol/worker.ts';
import { endAttempt } from '../tasks/advance.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import type { Relay } from '../live/relay.ts';
import type { ProgressWatch } from '../workers/progress-watch.ts';
import { markAttemptRunning, markResultReceived, updateLastSeq, type AttemptState } from '../sqlite/attempts.ts';
import { putDiff } from '../sqlite/diffs.ts';
import { countPendingMessages, listPendingMessages } from '../sqlite/messages.ts';
import { findState, clearSilence, updateResult, updateWaitingFor } from '../sqlite/progress.ts';
import { findTask } from '../sqlite/tasks.ts';
import type { TaskClaims } from '../auth/task-tokens.ts';
import { requireLiving, standingOf, type Via } from './fence.ts';
import { applyEvents, act } from './apply-events.ts';
import { checkBranch, checkEvents, invalid, storeEvents } from './validate-events.ts';

/** Who calls back, by the token, and by which listener. */
export type CalledBy = { claims: TaskClaims; via: Via };

/**
 * The three callbacks of a worker, from the parsed JSON to the reply; each is answered once what it brought is on disk. Errors are those that
 * `protocol/worker.ts` lists.
 */
export class Callbacks {
  readonly #log: EventLog;
  readonly #relay: Relay;
  readonly #progress: ProgressWatch;

  constructor(log: EventLog, relay: Relay, progress: ProgressWatch) {
    this.#log = log;
    this.#relay = relay;
    this.#progress = progress;
  }

  async events(by: CalledBy, json: unknown): Promise<CallbackReply> {
    const post = parse(EventsPost, json);
    requireOwn(by, post.attempt);
    const checked = checkEvents(by.claims.task_id, post.events);
    return this.#log.enqueue((tx) => {
      const call = this.#begin(tx, by);
      const { task_id, attempt: n, standing, at } = call;
      const added = storeEvents(tx, { task_id, n, user_id: standing.user_id, last_seq: standing.last_seq }, checked);
      const last_seq = standing.last_seq + added.length;
      if (added.length > 0) {
        updateLastSeq(tx.db, task_id, n, last_seq);
        this.#progress.moved(task_id, n);
      }
      applyEvents(tx, task_id, added, at);
      if (post.waiting_for !== undefined) this.#waitFor(tx, call, post.waiting_for);
      if (post.deltas.length > 0) {
        this.#progress.heard(task_id, n);
        tx.afterCommit(() => this.#relayDeltas(call, post.deltas));
      }
      return { acked_seq: last_seq, control: controlOf(tx, call) };
    });
  }

  async heartbeat(by: CalledBy, json: unknown): Promise<CallbackReply> {
    const beat = parse(Heartbeat, json);
    requireOwn(by, beat.attempt);
    return this.#log.enqueue((tx) => {
      const call = this.#begin(tx, by);
      this.#waitFor(tx, call, beat.waiting_for);
      return { acked_seq: call.standing.last_seq, control: controlOf(tx, call) };
    });
  }

  async result(by: CalledBy, json: unknown): Promise<CallbackReply> {
    const result = parse(ResultPost, json);
    requireOwn(by, result.attempt);
    checkResult(by.claims.task_id, result);
    return this.#log.enqueue((tx) => {
      const known = standingOf(tx.db, by.claims, by.via);
      // The answer to the first was lost.
      if (known.result_at !== null) return { acked_seq: known.last_seq, control: { messages: [], cancel: null } };
      const call = this.#begin(tx, by);
      const { last_seq } = call.standing;
      if (result.last_seq > last_seq)
        throw new ErrandError('events_missing', `The events from ${last_seq + 1} on have not come.`, {
          expected_seq: last_seq + 1,
        });
      if (result.last_seq < last_seq) throw invalid('/last_seq', `is below ${last_seq}, which has come`);
      this.#end(tx, call, result);
      return { acked_seq: last_seq, control: { messages: [], cancel: null } };
    });
  }

  /** What every callback starts with, in its transaction: whether the attempt still may; and its first call sets the task running. */
  #begin(tx: Tx, { claims, via }: CalledBy): Call {
    const standing = standingOf(tx.db, claims, via);
    requireLiving(standing, claims.attempt);
    const at = new Date().toISOString();
    const { task_id, attempt } = claims;
    if (standing.attempt_status === 'starting') {
      markAttemptRunning(tx.db, task_id, attempt);
      act(tx, task_id, { type: 'worker_called', at });
    }
    if (standing.silence !== null) {
      clearSilence(tx.db, task_id);
      this.#tellState(tx, task_id);
    }
    return { task_id, attempt, standing, at };
  }

  #waitFor(tx: Tx, { task_id, attempt, standing }: Call, waiting: WaitingFor | null): void {
    this.#progress.waits(task_id, attempt, waiting);
    const waiting_for = waiting && JSON.stringify(waiting);
    if (waiting_for === standing.waiting_for) return;
    updateWaitingFor(tx.db, task_id, waiting_for);
    this.#tellState(tx, task_id);
  }

  /** Brings to those who watch how the task stands once this transaction is on disk. */
  #tellState(tx: Tx, task_id: string): void {
    tx.afterCommit(() => {
      const state = findState(tx.db, task_id);
      if (state) this.#relay.state(state);
    });
  }

  #relayDeltas({ task_id, attempt, standing }: Call, deltas: Delta[]): void {
    this.#relay.deltas({ id: task_id, user_id: standing.user_id }, attempt, deltas);
  }

  #end(tx: Tx, { task_id, attempt, at }: Call, result: ResultPost): void {
    const task = findTask(tx.db, task_id);
    if (!task) throw new Error(`Task ${task_id} is gone.`);
    const { summary, branch, commit, base_commit, diff_stat } = result;
    // An attempt that failed before it had anything to show (no repository, no push) says nothing of what is on the branch already.
    if (result.status === 'succeeded' || commit !== null || task.result === null) {
      updateResult(tx.db, task_id, { summary, branch, commit, base_commit, diff_stat }, at);
      putDiff(tx.db, task_id, { diff: result.diff, truncated: result.diff_truncated });
    }
    tx.note(task, { type: 'task.result', body: { summary, branch, commit, diff_stat } }, at);
    markResultReceived(tx.db, task_id, attempt, at);
    const { status, reason, detail } = result;
    const ended = endAttempt(tx, task, attempt, { status, reason, detail, at });
    if (!ended) throw new Error(`Attempt ${attempt} of task ${task_id} had ended while its result was taken.`);
  }
}

/** One callback that was let in: the attempt, how it stood before, and the time. */
type Call = { task_id: string; attempt: number; standing: AttemptState; at: string };

/** What every reply carries. Mostly nothing is pending, and the count, which an index alone answers, costs a third of the list. */
function controlOf(tx: Tx, { task_id, standing }: Call): Control {
  const messages = countPendingMessages(tx.db, task_id) > 0 ? listPendingMessages(tx.db, task_id) : [];
  return { messages, cancel: standing.cancel_reason === null ? null : { reason: standing.cancel_reason } };
}

function requireOwn({ claims }: CalledBy, attempt: number): void {
  if (attempt !== claims.attempt) throw invalid('/attempt', `is not the token's, which is ${claims.attempt}`);
}

function checkResult(task_id: string, result: ResultPost): void {
  if ((result.status === 'failed') !== (result.reason !== null))
    throw invalid('/reason', 'is there with the status failed, and with no other');
  if (result.branch !== null) checkBranch(task_id, result.branch, '/branch');
  if (Buffer.byteLength(result.diff) > LIMITS.diff_bytes_max)
    throw new ErrandError('too_large', `The diff is longer than ${LIMITS.diff_bytes_max} bytes.`, {
      errors: [{ field: '/diff', message: `is longer than ${LIMITS.diff_bytes_max} bytes` }],
    });
}
