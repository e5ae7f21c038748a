import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../protocol/limits.ts';
import type { FailureReason } from '../protocol/task.ts';
import type { Assignment } from '../protocol/worker-schemas.ts';
import { errorCode } from './base/error-code.ts';
import { AttemptFailure } from './base/failure.ts';
import type { Logger } from './base/logger.ts';
import { within } from './base/within.ts';
import type { FetchAttachment, MessageSource, ProgressReporter, Work, WorkInput, WorkResult } from './base/work.ts';
import type { WorkerConfig } from './config.ts';
import { NOTHING_PUBLISHED } from './git/publisher.ts';
import { wipMessage } from './git/wip-commit.ts';
import type { LoopbackProxy } from './proxy/loopback-proxy.ts';
import { removePreviousSpools, type PreviousAttempt } from './reporting/previous-attempt.ts';
import type { AttemptResult } from './reporting/reporter.ts';
import { commandEnv, commitIdentity } from './shell/command-env.ts';
import type { StopSignals } from './stop-signals.ts';
import { TaskClone } from './task-clone.ts';

/** How long the work may take to end after a stop. What it has changed by then is committed as it is. */
const STOP_GRACE_MS = 250;
/** As the contract bounds it. */
const DETAIL_CHARS_MAX = 4_000;

export type AgentInfo = { agent: string; version: string };

type Options = {
  config: WorkerConfig;
  assignment: Assignment;
  previous: PreviousAttempt;
  agent: AgentInfo;
  loadWork: () => Promise<Work>;
  model: WorkInput['model'];
  proxy: LoopbackProxy;
  messages: MessageSource;
  fetchAttachment: FetchAttachment;
  report: ProgressReporter;
  stop: StopSignals;
  log: Logger;
};

/** The steps of an attempt: clone, work, commit and push. Whatever happens, it ends with a push and a result. */
export class AttemptExecution {
  readonly #options: Options;
  readonly #repo_dir: string;
  /** Whether the work has ended, and its changes are being pushed. */
  is_ending = false;

  constructor(options: Options) {
    this.#options = options;
    this.#repo_dir = join(options.config.workspace_dir, 'repo');
  }

  /** Rejects only if everything is to stop. */
  async run(): Promise<AttemptResult> {
    const { stop } = this.#options;
    await this.#reportStart();
    let clone: TaskClone | undefined;
    let result: WorkResult;
    try {
      clone = await this.#clone();
      result = await this.#work(await this.#workInput(clone));
    } catch (error) {
      result = this.#resultOf(error);
    }
    stop.all.throwIfAborted();
    this.is_ending = true;
    return this.#publish(result, clone);
  }

  /** Reports who works, and what the previous attempt could not report any more. */
  async #reportStart(): Promise<void> {
    const { config, assignment, previous, agent, report } = this.#options;
    await report.emit({ type: 'agent.started', body: { ...agent, resumed: previous.resumed, takes_messages: true } });
    for (const event of previous.unreported) await report.emit(event);
    await removePreviousSpools(config.spool_dir, assignment);
  }

  async #clone(): Promise<TaskClone> {
    const { config, assignment, proxy, report, stop } = this.#options;
    const { repo_url } = assignment;
    report.waitingFor({ kind: 'repository', since: new Date().toISOString() });
    await report.emit({ type: 'step.started', body: { step: 'clone' } });
    const remote = { url: proxy.git_url, repo_url, takeGitFailure: () => proxy.takeGitFailure() };
    const env = { ...config.inherited_env, ...commitIdentity(assignment.author) };
    const emit: ProgressReporter['emit'] = (event) => report.emit(event);
    const { workspace_dir } = config;
    const clone = await TaskClone.prepare({ workspace_dir, assignment, remote, env, emit }, stop.work);
    const { branch, base_branch, base_commit, commit, workspace, note } = clone.prepared;
    const at = clone.prepared.work_branch ?? branch;
    await report.emit({ type: 'repository.ready', body: { branch: at, base_branch, base_commit, commit, workspace } });
    if (note !== null) await report.emit({ type: 'log', body: { level: 'warn', text: note } });
    report.waitingFor(null);
    return clone;
  }

  async #workInput(clone: TaskClone): Promise<WorkInput> {
    const { config, assignment, model, proxy, messages, fetchAttachment, report, stop, log } = this.#options;
    const dirIn = (name: string) => join(config.workspace_dir, name);
    const [scratch_dir, home, tmp] = [dirIn('scratch'), dirIn('home'), dirIn('tmp')];
    await Promise.all([scratch_dir, home, tmp].map((dir) => mkdir(dir, { recursive: true })));
    return {
      assignment: { ...assignment, branch: clone.prepared.work_branch ?? clone.prepared.branch },
      repo_dir: this.#repo_dir,
      scratch_dir,
      command_env: commandEnv(assignment, { inherited: config.inherited_env, home, tmp, proxy_url: proxy.url }),
      model,
      report: observed(report, clone),
      messages,
      fetchAttachment,
      signal: stop.work,
      clone_facts: clone.facts,
      workspace_note: clone.prepared.note,
      checkpoint: async () => {
        try {
          await clone.checkpoint(stop.work);
        } catch (error) {
          if (!stop.work.aborted) log('warn', 'checkpoint failed', { err: error });
        }
      },
      deliver: (message) => clone.deliver(stop.work, message),
    };
  }

  /** Does the work. After a stop it has a moment to end by itself. */
  async #work(input: WorkInput): Promise<WorkResult> {
    const { loadWork, stop } = this.#options;
    const work = await loadWork();
    stop.work.throwIfAborted();
    const working = work(input);
    const stopped = once(stop.work, 'abort').then(() => within(STOP_GRACE_MS, working));
    const result = await Promise.race([working, stopped]);
    if (result === undefined) throw stop.work.reason;
    return stop.cancel_reason === null ? result : this.#resultOf(stop.work.reason, result.summary);
  }

  /** The result of work that did not end by itself: it was cancelled, stopped, or has failed. */
  #resultOf(error: unknown, summary = ''): WorkResult {
    const { assignment, stop, log } = this.#options;
    const commit_message = wipMessage(assignment.title);
    if (stop.cancel_reason !== null)
      return { status: 'cancelled', reason: null, detail: stop.cancel_reason, summary, commit_message };
    if (!stop.work.aborted) log('error', 'work failed', { err: error });
    return { status: 'failed', ...describeFailure(error), summary, commit_message };
  }

  /**
   * Commits, pushes, and makes the result. A push that fails makes a success a failure; it is reported with any other
   * result.
   */
  async #publish(work: WorkResult, clone: TaskClone | undefined): Promise<AttemptResult> {
    const { assignment, report, stop, log } = this.#options;
    const { status, reason, detail } = work;
    // An older coordinator does not know the field.
    const retry_at = work.retry_at ?? null;
    const retry = retry_at === null ? {} : { retry_at };
    const summary = work.summary.slice(0, LIMITS.summary_chars_max);
    const base_commit = clone?.prepared.base_commit ?? null;
    const result: AttemptResult = { ...NOTHING_PUBLISHED, status, reason, detail, ...retry, summary, base_commit };
    if (clone === undefined) return result;
    const wip = status !== 'succeeded';
    const message = wip ? wipMessage(assignment.title) : work.commit_message;
    try {
      await report.emit({ type: 'step.started', body: { step: 'push' } });
      const { problem, left_out: _, held_commit, ...published } = await clone.finish(stop.all, message, { wip });
      if (problem !== null) return notPushed({ ...result, ...published }, problem);
      return { ...result, ...published, ...(held_commit !== null && { held_commit }) };
    } catch (error) {
      stop.all.throwIfAborted();
      log('error', 'push failed', { err: error });
      return notPushed(result, error);
    }
  }
}

/** The result of work that is not on the forge, or not the newest of it. */
function notPushed(result: AttemptResult, error: unknown): AttemptResult {
  const { retry_at: _, ...failure } = describeFailure(error);
  if (result.status === 'succeeded') return { ...result, status: 'failed', ...failure };
  if (result.detail?.includes(failure.detail)) return result;
  const both = `${result.detail ?? ''}\nThe work in progress could not be pushed: ${failure.detail}`.trim();
  return { ...result, detail: both.slice(0, DETAIL_CHARS_MAX) };
}

/** A reporter whose events the clone sees too. */
function observed(report: ProgressReporter, clone: TaskClone): ProgressReporter {
  return {
    emit: async (event) => {
      await report.emit(event);
      await clone.observe(event);
    },
    delta: (delta) => report.delta(delta),
    waitingFor: (waiting) => report.waitingFor(waiting),
    activity: () => report.activity(),
  };
}

function describeFailure(error: unknown): { reason: FailureReason; detail: string; retry_at: string | null } {
  const message = error instanceof Error ? error.message : String(error);
  const retry_at = error instanceof AttemptFailure ? error.retry_at : null;
  return { reason: reasonOf(error), detail: message.slice(0, DETAIL_CHARS_MAX), retry_at };
}

function reasonOf(error: unknown): FailureReason {
  if (error instanceof AttemptFailure) return error.reason;
  return errorCode(error) === 'ENOSPC' ? 'disk_full' : 'agent_error';
}
