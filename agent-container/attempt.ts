import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../protocol/limits.ts';
import type { FailureReason } from '../protocol/task.ts';
import type { Assignment, Message, ResultPost, WorkerStatus } from '../protocol/worker.ts';
import { commandEnv, identity } from './shell/command-env.ts';
import type { WorkerConfig } from './config.ts';
import { CoordinatorClient } from './reporting/coordinator-client.ts';
import { heard, readEarlier, removeEarlierSpools, spoolDir, type Earlier } from './reporting/previous-attempt.ts';
import { startForwarder, type Forwarder } from './loopback-proxy.ts';
import { Git } from './git/git.ts';
import { MessageInbox } from './message-queue.ts';
import type { Log } from './base/log.ts';
import { Publisher } from './git/publisher.ts';
import { RepositoryError } from './git/repository-error.ts';
import type { Remote } from './git/remote.ts';
import { prepareRepository } from './git/repository.ts';
import { Reporter } from './reporting/reporter.ts';
import { wipMessage } from './git/commit-worktree.ts';
import { Spool } from './reporting/spool.ts';
import { verdictOf } from './reporting/callback-errors.ts';
import type { Work, WorkEnd, WorkInput } from './base/work.ts';

/** How long the work may take to end once it was told to. What it has not undone by then is committed as it is. */
const ABORT_GRACE_MS = 250;
/** All that is done after a SIGTERM: Docker kills after ten seconds. */
const TERMINATE_MS = 9_000;
/** 0 is for an attempt whose result was answered; these are for one that was given up by the coordinator or by its machine. */
const EXIT_OVER = 1;
const EXIT_TERMINATED = 143;
/** As the contract bounds it. */
const DETAIL_CHARS_MAX = 4_000;

export type Agent = { agent: string; version: string };

type Options = { config: WorkerConfig; assignment: Assignment; work: () => Promise<Work>; agent: Agent; log: Log };
type Result = Omit<ResultPost, 'attempt' | 'last_seq'>;

/**
 * One attempt from its assignment to its result: clone, work, commit and push, report. Every way out leads past the same three, save where
 * the coordinator has given the attempt up.
 */
export class Attempt {
  readonly assignment: Assignment;
  readonly #options: Options;
  readonly #earlier: Earlier;
  readonly #client: CoordinatorClient;
  readonly #inbox = new MessageInbox();
  readonly #spool: Spool;
  readonly #reporter: Reporter;
  /** The end of the work: a cancel, a SIGTERM, or the end of all. */
  readonly #stopping = new AbortController();
  /** The end of all: the coordinator wants no more, or time is up. */
  readonly #over = new AbortController();
  #cancelled: { reason: string } | undefined;
  #terminated = false;
  #ending = false;

  /** Opens the spool, and begins to renew the lease. Throws where the spool cannot be opened. */
  constructor(options: Options) {
    const { config, assignment } = options;
    this.#options = options;
    this.#earlier = readEarlier(config.spool_dir, assignment);
    this.assignment = { ...assignment, transcript: this.#earlier.transcript };
    const dir = spoolDir(config.spool_dir, assignment.task_id, assignment.attempt);
    this.#spool = new Spool(dir, assignment.spool_bytes_max);
    this.#client = new CoordinatorClient(config.coordinator, assignment.task_id, assignment.token);
    this.#reporter = new Reporter({
      client: this.#client,
      spool: this.#spool,
      attempt: assignment.attempt,
      heartbeat_ms: assignment.heartbeat_ms,
      onControl: ({ messages, cancel }) => {
        this.say(messages);
        if (cancel !== null) this.cancel(cancel.reason);
      },
      onOver: (error) => this.#end(error),
    });
    // Of those that only the spool knows to have been heard the coordinator does not know yet.
    this.#inbox.skip(heard(this.assignment.transcript));
    this.say(assignment.messages);
  }

  /** Carries the attempt out. Resolves with the exit code of the process; never rejects. */
  async run(): Promise<number> {
    let forwarder: Forwarder | undefined;
    try {
      forwarder = await startForwarder(this.#client);
      const result = await this.#carryOut(forwarder);
      if (!this.#terminated || this.#cancelled !== undefined) {
        await this.#reporter.finish(result, this.#over.signal);
        return 0;
      }
      await this.#reporter.drained(this.#over.signal);
      return EXIT_TERMINATED;
    } catch (thrown) {
      const error: unknown = this.#over.signal.aborted ? this.#over.signal.reason : thrown;
      if (verdictOf(error) === 'ended') return 0;
      this.#options.log('error', 'The attempt came to no result.', error);
      return this.#terminated ? EXIT_TERMINATED : EXIT_OVER;
    } finally {
      this.#end(new Error('The attempt has ended.'));
      await Promise.all([this.#reporter.close(), forwarder?.close()]);
      await this.#client.close();
    }
  }

  status(): WorkerStatus {
    return {
      state: this.#ending || this.#stopping.signal.aborted ? 'ending' : 'working',
      task_id: this.assignment.task_id,
      attempt: this.assignment.attempt,
      last_seq: this.#spool.last_seq,
      acked_seq: this.#spool.acked_seq,
      waiting_for: this.#reporter.waiting_for,
    };
  }

  /** The token of the assignment, and the newest that a heartbeat brought. */
  tokens(): string[] {
    return [this.assignment.token, this.#client.token];
  }

  say(messages: Message[]): void {
    this.#inbox.put(messages);
  }

  cancel(reason: string): void {
    this.#cancelled ??= { reason };
    this.#stopping.abort(new Error(`Cancelled: ${reason}`));
  }

  /** SIGTERM: what there is is pushed and reported, within ten seconds. */
  terminate(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.#stopping.abort(new Error('The worker is being stopped.'));
    setTimeout(() => this.#end(new Error('The worker was stopped before all was said.')), TERMINATE_MS).unref();
  }

  #end(error: unknown): void {
    this.#over.abort(error);
    this.#stopping.abort(error);
    this.#spool.close(error instanceof Error ? error : new Error('The attempt is over.'));
  }

  async #carryOut(forwarder: Forwarder): Promise<Result> {
    const { config, agent } = this.#options;
    const { assignment } = this;
    const report = this.#reporter;
    await report.emit({ type: 'agent.started', body: { ...agent, resumed: this.#earlier.resumed } });
    for (const event of this.#earlier.unreported) await report.emit(event);
    await removeEarlierSpools(config.spool_dir, assignment);

    const dir = join(config.workspace_dir, 'repo');
    const env = { ...config.inherited_env, ...identity(assignment.author) };
    // Cloning and checkpoints end with the work; the last push only with the end of all.
    const git = new Git(dir, env, this.#stopping.signal);
    const last_git = new Git(dir, env, this.#over.signal);
    const { git_url: url, takeGitRefusal } = forwarder;
    const remote: Remote = { url, repo_url: assignment.repo_url, takeGitRefusal };
    let publisher: Publisher | undefined;
    let base_commit: string | null = null;
    let end: WorkEnd;
    try {
      report.waitingFor({ kind: 'repository', since: new Date().toISOString() });
      await report.emit({ type: 'step.started', body: { step: 'clone' } });
      const { base_branch, commit, ...prepared } = await prepareRepository(git, remote, assignment);
      ({ base_commit } = prepared);
      publisher = new Publisher(remote, assignment, base_commit, report.emit.bind(report));
      await report.emit({
        type: 'repository.ready',
        body: { branch: assignment.branch, base_branch, base_commit, commit },
      });
      report.waitingFor(null);
      end = await this.#doWork(await this.#input(forwarder, dir, git, publisher));
    } catch (error) {
      end = this.#endOf(error);
    }
    this.#over.signal.throwIfAborted();
    this.#ending = true;
    return this.#publish(end, publisher, last_git, base_commit);
  }

  async #input(forwarder: Forwarder, repo_dir: string, git: Git, publisher: Publisher): Promise<WorkInput> {
    const { config, log } = this.#options;
    const [scratch_dir, home] = [join(config.workspace_dir, 'scratch'), join(config.workspace_dir, 'home')];
    await Promise.all([mkdir(scratch_dir, { recursive: true }), mkdir(home, { recursive: true })]);
    return {
      assignment: this.assignment,
      repo_dir,
      scratch_dir,
      command_env: commandEnv(this.assignment, config.inherited_env, home, forwarder),
      model: this.#client.model(),
      report: this.#reporter,
      inbox: this.#inbox,
      signal: this.#stopping.signal,
      checkpoint: async () => {
        try {
          await publisher.publish(git, { message: wipMessage(this.assignment.title), wip: true, with_diff: false });
        } catch (error) {
          if (!this.#stopping.signal.aborted) log('warn', 'A checkpoint was not pushed.', error);
        }
      },
    };
  }

  /** Does the work; once it was told to stop it has a moment to end by itself. */
  async #doWork(input: WorkInput): Promise<WorkEnd> {
    const work = await this.#options.work();
    const { signal } = this.#stopping;
    signal.throwIfAborted();
    const working = work(input);
    const { promise: abandoned, reject } = Promise.withResolvers<never>();
    const abandon = () => setTimeout(() => reject(signal.reason), ABORT_GRACE_MS).unref();
    signal.addEventListener('abort', abandon, { once: true });
    try {
      const end = await Promise.race([working, abandoned]);
      return this.#cancelled === undefined ? end : this.#endOf(signal.reason, end.summary);
    } finally {
      signal.removeEventListener('abort', abandon);
    }
  }

  /** How the work ended that did not return: by a cancel, by what git could not do, or by a fault of its own. */
  #endOf(error: unknown, summary = ''): WorkEnd {
    const commit_message = wipMessage(this.assignment.title);
    if (this.#cancelled !== undefined)
      return { status: 'cancelled', reason: null, detail: this.#cancelled.reason, summary, commit_message };
    if (!this.#stopping.signal.aborted) this.#options.log('error', 'The work did not come to its end.', error);
    const words = error instanceof Error ? error.message : String(error);
    const detail = words.slice(0, DETAIL_CHARS_MAX);
    return { status: 'failed', reason: reasonOf(error), detail, summary, commit_message };
  }

  /** Commits, pushes, and makes the result. A push that fails fails a success, and is told beside any other end. */
  async #publish(
    end: WorkEnd,
    publisher: Publisher | undefined,
    git: Git,
    base_commit: string | null,
  ): Promise<Result> {
    const { status, reason, detail } = end;
    const summary = end.summary.slice(0, LIMITS.summary_chars_max);
    const result: Result = { ...EMPTY_RESULT, status, reason, detail, summary, base_commit };
    if (publisher === undefined) return result;
    try {
      await this.#reporter.emit({ type: 'step.started', body: { step: 'push' } });
      const wip = status !== 'succeeded';
      const message = wip ? wipMessage(this.assignment.title) : end.commit_message;
      return { ...result, ...(await publisher.publish(git, { message, wip, with_diff: true })) };
    } catch (error) {
      this.#over.signal.throwIfAborted();
      const failure = this.#endOf(error);
      if (status === 'succeeded')
        return { ...result, status: 'failed', reason: failure.reason, detail: failure.detail };
      const also = `${detail ?? ''}\nThe work in progress could not be pushed: ${failure.detail}`.trim();
      return { ...result, detail: also.slice(0, DETAIL_CHARS_MAX) };
    }
  }
}

const EMPTY_RESULT = {
  branch: null,
  commit: null,
  base_commit: null,
  diff_stat: { files: 0, insertions: 0, deletions: 0 },
  diff: '',
  diff_truncated: false,
};

function reasonOf(error: unknown): FailureReason {
  if (error instanceof RepositoryError) return error.reason;
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC' ? 'disk_full' : 'agent_error';
}
