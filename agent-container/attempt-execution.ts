import { once } from 'node:events';
import { join } from 'node:path';
import type { Assignment } from '../protocol/worker-schemas.ts';
import { AttemptFailure } from './base/failure.ts';
import type { Logger } from './base/logger.ts';
import { emittingBy } from './base/progress.ts';
import { makeRealFolder } from './base/real-folder.ts';
import { within } from './base/within.ts';
import type {
  FetchAttachment,
  MessageSource,
  OtherRepository,
  ProgressReporter,
  Work,
  WorkInput,
  WorkResult,
} from './base/work.ts';
import type { WorkerConfig } from './config.ts';
import { wipMessage } from './git/wip-commit.ts';
import type { LoopbackProxy } from './proxy/loopback-proxy.ts';
import type { AttemptResult } from './reporting/reporter.ts';
import { commandEnv, commitIdentity } from './shell/command-env.ts';
import { writeGlobalPrefix } from './shell/global-prefix.ts';
import { guardFault } from './shell/signal-guard.ts';
import type { StopSignals } from './stop-signals.ts';
import { describeFailure, notPushed, publishWork, unpublished } from './publish-work.ts';
import type { TaskClone } from './task-clone.ts';
import { TaskClones } from './task-clones.ts';

/** How long the work may take to end after a stop. What it has changed by then is committed as it is. */
const STOP_GRACE_MS = 250;

type Options = {
  config: WorkerConfig;
  assignment: Assignment;
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
  /** Whether the work has ended, and its changes are being pushed. */
  is_ending = false;
  /** Whether the newest delivery pushed the finished work. */
  #is_delivered = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Rejects only if everything is to stop. */
  async run(): Promise<AttemptResult> {
    const { stop } = this.#options;
    let clones: TaskClones | undefined;
    let warned: Promise<void> | undefined;
    let result: WorkResult;
    try {
      clones = await this.#clone();
      warned = this.#warnOfRefusedPush(clones);
      result = await this.#work(await this.#workInput(clones));
    } catch (error) {
      result = this.#resultOf(error);
    }
    await warned;
    stop.all.throwIfAborted();
    this.is_ending = true;
    return this.#publish(result, clones);
  }

  async #clone(): Promise<TaskClones> {
    const { config, assignment, proxy, report, stop } = this.#options;
    report.waitingFor({ kind: 'repository', since: new Date().toISOString() });
    await report.emit({ type: 'step.started', body: { step: 'clone' } });
    const clones = await TaskClones.prepare(
      {
        workspace_dir: config.workspace_dir,
        assignment,
        remoteOf: (key, repo_url) => ({ repo_url, ...proxy.remoteOf(key, repo_url) }),
        env: { ...config.inherited_env, ...commitIdentity(assignment.author) },
        emit: (event) => report.emit(event),
        hasPushed: () => assignment.has_pushed !== false || proxy.has_forwarded_push,
        onReady: (clone) => this.#reportReady(clone),
      },
      stop.work,
    );
    report.waitingFor(null);
    return clones;
  }

  async #reportReady({ key, branch, prepared }: TaskClone): Promise<void> {
    const { report } = this.#options;
    const { base_branch, base_commit, commit, workspace, note } = prepared;
    const repository = key === null ? {} : { repository: key };
    const body = { branch, base_branch, base_commit, commit, workspace, ...repository };
    await report.emit({ type: 'repository.ready', body });
    if (note !== null) await report.emit({ type: 'log', body: { level: 'warn', text: note } });
  }

  /** Says at the beginning of the first attempt where nothing can be pushed, while the work goes on. Never rejects. */
  async #warnOfRefusedPush(clones: TaskClones): Promise<void> {
    const { assignment, report, stop, log } = this.#options;
    if (assignment.transcript.length > 0) return;
    try {
      for (const clone of clones.all) {
        const text = await clone.whyNoPush(stop.work);
        if (text !== null) await report.emit({ type: 'log', body: { level: 'warn', text } });
      }
    } catch (error) {
      if (!stop.work.aborted) log('warn', 'push permission unknown', { err: error });
    }
  }

  async #workInput(clones: TaskClones): Promise<WorkInput> {
    const { config, assignment, model, proxy, messages, fetchAttachment, report, stop, log } = this.#options;
    const dirIn = (name: string) => join(config.workspace_dir, name);
    const [scratch_dir, home, tmp] = [dirIn('scratch'), dirIn('home'), dirIn('tmp')];
    await Promise.all([scratch_dir, home, tmp].map(makeRealFolder));
    await Promise.all([writeGlobalPrefix(home), clones.first.writeHomeIdentity(home, stop.work)]);
    const fault = guardFault();
    if (fault !== null) await report.emit({ type: 'log', body: { level: 'warn', text: fault } });
    return {
      assignment: { ...assignment, branch: clones.first.branch },
      repo_dir: clones.first.dir,
      others: await Promise.all(clones.others.map((clone) => describeOther(clone, stop.work))),
      scratch_dir,
      read_dirs: [home, tmp],
      command_env: commandEnv(assignment, {
        inherited: { ...config.image_env, ...config.inherited_env },
        home,
        tmp,
        proxy_url: proxy.url,
        git_settings: proxy.git_settings,
      }),
      model,
      report: observed(report, clones, log),
      messages,
      fetchAttachment,
      signal: stop.work,
      clone_facts: await clones.first.facts(stop.work),
      workspace_note: clones.note,
      checkpoint: async (ended = stop.work) => {
        const signal = AbortSignal.any([stop.work, ended]);
        try {
          await clones.checkpoint(signal);
        } catch (error) {
          if (!signal.aborted) log('warn', 'checkpoint failed', { err: error });
        }
      },
      review: () => clones.review(stop.work),
      deliver: async (message, is_partial_ok) => {
        await this.#beginPush();
        const text = await clones.deliver(stop.work, message, is_partial_ok);
        this.#is_delivered = text === null;
        return text;
      },
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

  async #beginPush(): Promise<void> {
    await this.#options.report.emit({ type: 'step.started', body: { step: 'push' } });
  }

  /** Whatever happens, there is a result. */
  async #publish(work: WorkResult, clones: TaskClones | undefined): Promise<AttemptResult> {
    const { assignment, stop, log } = this.#options;
    if (clones === undefined) return unpublished(work, null);
    const message = work.status === 'succeeded' ? work.commit_message : wipMessage(assignment.title);
    try {
      // The finished work was pushed already, in a step of its own: now it is only looked at once more.
      if (work.status !== 'succeeded' || !this.#is_delivered) await this.#beginPush();
      const { result, errors } = await publishWork(work, clones, { message, signal: stop.all });
      for (const err of errors) if (!(err instanceof AttemptFailure)) log('error', 'push failed', { err });
      return result;
    } catch (error) {
      stop.all.throwIfAborted();
      log('error', 'push failed', { err: error });
      return notPushed(unpublished(work, clones.first.prepared.base_commit), error);
    }
  }
}

/** A reporter that also passes events to the clones. If they cannot store one, as on a full disk, the work goes on. */
function observed(report: ProgressReporter, clones: TaskClones, log: Logger): ProgressReporter {
  return emittingBy(report, async (event) => {
    await report.emit(event);
    await clones
      .observe(event)
      .catch((error: unknown) => log('warn', 'workspace record could not be updated', { err: error }));
  });
}

async function describeOther(clone: TaskClone, signal: AbortSignal): Promise<OtherRepository> {
  const { dir, repo_url, branch, prepared } = clone;
  return { dir, repo_url, branch, base_branch: prepared.base_branch, facts: await clone.facts(signal) };
}
