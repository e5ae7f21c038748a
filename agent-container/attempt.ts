import type { WorkerEvent } from '../protocol/events.ts';
import type { Assignment, Message, WorkerStatus } from '../protocol/worker-schemas.ts';
import { AttemptExecution } from './attempt-execution.ts';
import type { Logger } from './base/logger.ts';
import { sleep, TIMER_MS_MAX } from './base/sleep.ts';
import type { Work } from './base/work.ts';
import type { WorkerConfig } from './config.ts';
import { MessageQueue } from './message-queue.ts';
import { LoopbackProxy } from './proxy/loopback-proxy.ts';
import { classifyCallbackError } from './reporting/callback-errors.ts';
import { CoordinatorClient } from './reporting/coordinator-client.ts';
import {
  messageIdsIn,
  readPreviousAttempt,
  removePreviousSpools,
  spoolDir,
  type PreviousAttempt,
} from './reporting/previous-attempt.ts';
import { Reporter } from './reporting/reporter.ts';
import { createSpool } from './reporting/spool-files.ts';
import { Spool } from './reporting/spool.ts';
import { StopSignals } from './stop-signals.ts';

/** How long everything may take after a SIGTERM: Docker kills after ten seconds. */
const TERMINATE_MS = 9_000;
/** Exit codes of an attempt whose result was not answered: it is lost, or its machine stops. */
const EXIT_LOST = 1;
const EXIT_TERMINATED = 143;

export type AgentInfo = { agent: string; version: string };

type Options = {
  config: WorkerConfig;
  assignment: Assignment;
  loadWork: () => Promise<Work>;
  agent: AgentInfo;
  log: Logger;
};

/**
 * One attempt, from its assignment to its exit code: it owns the connection to the coordinator, and the ways to stop.
 */
export class Attempt {
  readonly #assignment: Assignment;
  readonly #options: Options;
  readonly #previous: PreviousAttempt;
  readonly #client: CoordinatorClient;
  readonly #messages: MessageQueue;
  readonly #spool: Spool;
  readonly #reporter: Reporter;
  readonly #stop = new StopSignals();
  #execution: AttemptExecution | undefined;

  /** Opens the spool. Throws if that fails. */
  constructor(options: Options) {
    const { config, assignment } = options;
    const { task_id, attempt, token, heartbeat_ms } = assignment;
    this.#options = options;
    this.#previous = readPreviousAttempt(config.spool_dir, assignment);
    this.#assignment = { ...assignment, transcript: this.#previous.transcript };
    const dir = spoolDir(config.spool_dir, task_id, attempt);
    const { unreported } = this.#previous;
    if (unreported !== null) createSpool(dir, [this.#started(), ...unreported]);
    this.#spool = new Spool(dir, assignment.spool_bytes_max);
    this.#client = new CoordinatorClient(config.coordinator, task_id, token);
    this.#messages = new MessageQueue((ids) =>
      this.#reporter.withTokenRenewal(
        () => this.#client.takeMessages({ attempt, ids }, this.#stop.all),
        this.#stop.all,
      ),
    );
    this.#reporter = new Reporter({
      client: this.#client,
      spool: this.#spool,
      attempt,
      heartbeat_ms,
      onControl: ({ messages, cancel }) => {
        this.deliver(messages);
        if (cancel !== null) this.cancel(cancel.reason);
      },
      onLost: (error) => this.#stopAll(error),
    });
    // The coordinator repeats messages whose acknowledgement is only in the spool yet.
    this.#messages.skip(messageIdsIn(this.#assignment.transcript));
    this.deliver(assignment.messages);
  }

  /** Executes the attempt. Resolves with the exit code of the process; never rejects. */
  async run(): Promise<number> {
    const { config, assignment, loadWork, log } = this.#options;
    // A coordinator that is there ends the attempt much earlier.
    const abandoned = 'The coordinator did not take the result, long after the time limit.';
    this.#stopAllIn(assignment.time_limit_ms + config.abandoned_ms, abandoned);
    const proxy = new LoopbackProxy(this.#client);
    try {
      this.#reporter.start();
      await proxy.start();
      // It is the first event of a new spool.
      if (this.#previous.unreported === null) await this.#reporter.emit(this.#started());
      await removePreviousSpools(config.spool_dir, this.#assignment);
      this.#execution = new AttemptExecution({
        config,
        assignment: this.#assignment,
        loadWork,
        model: this.#client.model(),
        proxy,
        messages: this.#messages,
        fetchAttachment: (id, path, signal) =>
          this.#reporter.withTokenRenewal(() => this.#client.fetchAttachment(id, path, signal), signal),
        report: this.#reporter,
        stop: this.#stop,
        log,
      });
      const result = await this.#execution.run();
      // A terminated attempt has no result: the next one continues it.
      const has_result = !this.#stop.is_terminated || this.#stop.cancel_reason !== null;
      if (has_result) await this.#reporter.finish(result, this.#stop.all);
      else await this.#reporter.drained(this.#stop.all);
      return has_result ? 0 : EXIT_TERMINATED;
    } catch (thrown) {
      const error: unknown = this.#stop.all.aborted ? this.#stop.all.reason : thrown;
      if (classifyCallbackError(error) === 'attempt_ended') return 0;
      log('error', 'attempt ended without a result', { err: error });
      return this.#stop.is_terminated ? EXIT_TERMINATED : EXIT_LOST;
    } finally {
      this.#stopAll(new Error('The attempt has ended.'));
      await Promise.all([this.#reporter.stop(), proxy.stop()]);
      await this.#client.close();
    }
  }

  status(): WorkerStatus {
    return {
      state: this.#execution?.is_ending || this.#stop.work.aborted ? 'ending' : 'working',
      task_id: this.#assignment.task_id,
      attempt: this.#assignment.attempt,
      last_seq: this.#spool.last_seq,
      acked_seq: this.#spool.acked_seq,
      waiting_for: this.#reporter.waiting_for,
    };
  }

  /** The token of the assignment, and the newest that a heartbeat brought. */
  tokens(): string[] {
    return [this.#assignment.token, this.#client.token];
  }

  /** Takes messages to the task. A message that was taken before changes nothing. */
  deliver(messages: Message[]): void {
    this.#messages.put(messages);
  }

  /** Ends the work. Its changes are pushed, and the result is reported as cancelled. */
  cancel(reason: string): void {
    this.#stop.cancel(reason);
  }

  /** On SIGTERM: ends the work. Its changes are pushed and reported, within nine seconds. */
  terminate(): void {
    if (this.#stop.is_terminated) return;
    this.#stop.terminate();
    this.#stopAllIn(TERMINATE_MS, 'The worker was stopped before everything was reported.');
  }

  /** Stops everything after this time, unless the attempt has ended before. */
  #stopAllIn(ms: number, why: string): void {
    sleep(Math.min(ms, TIMER_MS_MAX), this.#stop.all)
      .then(() => this.#stopAll(new Error(why)))
      .catch(() => undefined);
  }

  /** The first event of an attempt: the worker's name and version, and what it supports. */
  #started(): WorkerEvent {
    const { agent, assignment } = this.#options;
    // An older coordinator does not know the field.
    const several = assignment.repositories === undefined ? {} : { takes_repositories: true };
    const body = { ...agent, resumed: this.#previous.resumed, takes_messages: true, ...several };
    return { type: 'agent.started', body };
  }

  #stopAll(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error('The attempt is lost.', { cause: thrown });
    this.#stop.stopAll(error);
    this.#spool.close(error);
  }
}
