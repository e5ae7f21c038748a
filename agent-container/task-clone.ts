import { join } from 'node:path';
import type { WorkerEvent } from '../protocol/events.ts';
import { Commit } from '../protocol/task.ts';
import type { Assignment, TranscriptEvent } from '../protocol/worker-schemas.ts';
import type { AttemptFailure } from './base/failure.ts';
import { Secrets } from './base/secrets.ts';
import type { ProgressReporter, Review } from './base/work.ts';
import { readAgentState } from './git/agent-repository.ts';
import { cloneFacts } from './git/clone-facts.ts';
import { writeHomeIdentity } from './git/home-identity.ts';
import type { Remarks } from './git/inspect.ts';
import { Publisher, type Published } from './git/publisher.ts';
import { whyNoPush } from './git/push-permission.ts';
import { SecretSearch } from './git/secret-search.ts';
import type { Remote } from './git/remote.ts';
import { repositories, workingTree, type Repositories } from './git/repositories.ts';
import {
  prepareRepository,
  repairAgents,
  type Expected,
  type PreparedRepository,
  type Setting,
} from './git/repository.ts';
import { signedOff } from './git/sign-off.ts';
import { wipMessage } from './git/wip-commit.ts';
import { readRecord, type WorkspaceRecord } from './git/workspace-record.ts';

export type CloneOptions = {
  workspace_dir: string;
  /** The key of the repository; null: the first. */
  key: string | null;
  /** As it is for this repository. */
  assignment: Assignment;
  remote: Remote;
  /** For git: where programs are, and the author of commits. */
  env: Record<string, string>;
  emit: ProgressReporter['emit'];
  /** Whether the task has begun a push, in this attempt or before, or that is not known. */
  hasPushed: () => boolean;
};

/** As the contract bounds it. */
const LOG_CHARS_MAX = 20_000;
const LEFT_OUT_INTRO = 'The commit of the work leaves out:';
const DOUBTFUL_INTRO =
  'The commit of the work adds what a build, a test or a package manager wrote, by its name. Add it to .gitignore ' +
  '(and, if you have committed it, git rm -r --cached it), or remove it; leave it only if it belongs there:';

/** One repository of an attempt, from the clone to the last push. */
export class TaskClone {
  readonly prepared: PreparedRepository;
  readonly #options: CloneOptions;
  readonly #publisher: Publisher;
  /** What was said about files and refused pushes. */
  readonly #told = new Set<string>();
  #began_ms: number;

  private constructor(options: CloneOptions, prepared: PreparedRepository) {
    const { assignment, remote } = options;
    this.prepared = prepared;
    this.#options = options;
    this.#began_ms = prepared.began_ms ?? Date.now();
    const secrets = new SecretSearch(new Secrets(assignment));
    const approval = assignment.ask_before_push === true ? { commit: assignment.approved_commit ?? null } : null;
    const began_ms = () => this.#began_ms;
    const emit: CloneOptions['emit'] = (event) => this.#emit(event);
    const tell = (level: 'info' | 'warn', text: string) => this.#tell([text], text, level);
    this.#publisher = new Publisher({ remote, approval, record: prepared, secrets, began_ms, emit, tell });
  }

  get key(): string | null {
    return this.#options.key;
  }

  /** The folder of its files. */
  get dir(): string {
    return workingTree(this.#options.workspace_dir, this.key);
  }

  get repo_url(): string {
    return this.#options.assignment.repo_url;
  }

  /** What every text about it begins with, for people and for the model; empty: the task has no other one. */
  get intro(): string {
    const is_several = this.#options.assignment.repositories !== undefined || this.key !== null;
    return is_several ? `In ${this.dir}, the clone of ${this.repo_url}: ` : '';
  }

  /** The branch that the agent works on. */
  get branch(): string {
    return this.prepared.work_branch ?? this.prepared.branch;
  }

  /** Adopts the workspace that the transcript is about, or clones anew. Throws `AttemptFailure`. */
  static async prepare(options: CloneOptions, signal: AbortSignal): Promise<TaskClone> {
    const expected = expectedWorkspace(options.assignment.transcript, options.key);
    const prepared = await prepareRepository(settingOf(options, signal), expected);
    const { lfs_note } = prepared;
    if (lfs_note !== null) await options.emit({ type: 'log', body: { level: 'warn', text: lfs_note } });
    return new TaskClone(options, prepared);
  }

  /** What a complete clone would have and this one does not, for the model. */
  facts(signal: AbortSignal): Promise<string[]> {
    return cloneFacts(this.#repositories(signal).own, this.prepared, this.prepared.lfs_note);
  }

  /** Sets the author of what commands commit elsewhere. */
  writeHomeIdentity(home: string, signal: AbortSignal): Promise<void> {
    return writeHomeIdentity(this.#repositories(signal).own, home, this.#options.assignment.author);
  }

  /**
   * Notes in the workspace when the agent's own work begins, in the first attempt, since files of the setup command are
   * older; and each turn that begins, so that a later attempt knows whether the files are as old as the transcript.
   */
  async observe({ type, body }: WorkerEvent): Promise<void> {
    if (type === 'turn.started') await this.#note({ turn: body.turn });
    if (type !== 'step.started' || body.step !== 'work' || this.prepared.began_ms !== undefined) return;
    this.#began_ms = Date.now();
    await this.#note({ began_ms: this.#began_ms });
  }

  /** Why the forge would take no push, with what helps, for people; null: it takes one, or that is not known. */
  async whyNoPush(signal: AbortSignal): Promise<string | null> {
    const why = await whyNoPush(this.#options.remote.url, signal);
    if (why === null) return null;
    return (
      `The work cannot be pushed to ${this.repo_url} as it is: ${why} The work goes on, and its diff is kept. Link an ` +
      'account that may write there, or give the project a token; a retry then pushes it.'
    );
  }

  /** Pushes work in progress. A refusal is reported to people once. */
  async checkpoint(signal: AbortSignal): Promise<void> {
    const message = wipMessage(this.#options.assignment.title);
    const options = { message, wip: true, with_diff: false, accept: () => true };
    const { problem } = await this.#publisher.publish(this.#repositories(signal), options);
    if (problem !== null) await this.#tell([problem.message], `Work in progress: ${problem.message}`);
  }

  /** Looks at the finished work, and pushes nothing. The text is what `deliver` would say before a push. */
  async review(signal: AbortSignal): Promise<Review> {
    const repair = await this.#repair(signal);
    const { is_unchanged, problem, remarks } = await this.#publisher.review(this.#repositories(signal));
    const text = await this.#tellOf(repair, problem, remarks);
    // The clone does not show what the agent itself has pushed, nor what was merged before and has no branch any more.
    return { is_unchanged: is_unchanged && !this.#options.hasPushed(), has_problem: problem !== null, text };
  }

  /**
   * Pushes the finished work. Null: it is pushed, or nothing has changed. Otherwise a text for the model and for
   * people: what is in the way, or the remarks. These are said once; with `is_partial_ok` to people alone, and the work
   * is pushed. Throws `AttemptFailure` where the forge cannot be reached.
   */
  async deliver(signal: AbortSignal, message: string, is_partial_ok: boolean): Promise<string | null> {
    const repair = await this.#repair(signal);
    const accept = ({ left_out, doubtful }: Remarks) =>
      is_partial_ok || (repair === null && this.#untold([...left_out, ...doubtful]).length === 0);
    const repos = this.#repositories(signal);
    const { problem, remarks } = await this.#publisher.publish(repos, {
      message: await this.#signedOff(repos, message),
      wip: false,
      with_diff: false,
      accept,
    });
    if (problem !== null && problem.reason !== 'push_rejected') throw problem;
    const text = await this.#tellOf(repair, problem, remarks);
    return is_partial_ok && problem === null ? null : text;
  }

  /** The last push of the attempt, with the diff. What it leaves out is reported. */
  async finish(signal: AbortSignal, message: string, { wip }: { wip: boolean }): Promise<Published> {
    const repos = this.#repositories(signal);
    const options = { message: await this.#signedOff(repos, message), wip, with_diff: true, accept: () => true };
    const published = await this.#publisher.publish(repos, options);
    const fresh = this.#untold(published.remarks.left_out);
    if (fresh.length > 0) await this.#tell(fresh, `Not committed: ${fresh.join('; ')}`);
    return published;
  }

  /** Makes the agent's `.git` anew if it does not work, and says so; null: it works. */
  async #repair(signal: AbortSignal): Promise<string | null> {
    const setting = settingOf(this.#options, signal);
    const state = await readAgentState(setting.repos);
    const record = await readRecord(setting.repos.own);
    if (state.fault === null || record === null) return null;
    return repairAgents(setting, record, state);
  }

  async #note(news: Partial<WorkspaceRecord>): Promise<void> {
    await this.#publisher.note(this.#repositories(AbortSignal.timeout(60_000)).own, news);
  }

  /** Says what is in the way, and the remarks, these once. Null: there is nothing to say. */
  async #tellOf(repair: string | null, problem: AttemptFailure | null, remarks: Remarks): Promise<string | null> {
    const sections = [
      { intro: LEFT_OUT_INTRO, fresh: this.#untold(remarks.left_out) },
      { intro: DOUBTFUL_INTRO, fresh: this.#untold(remarks.doubtful) },
    ].filter(({ fresh }) => fresh.length > 0);
    const texts = [
      ...(repair === null ? [] : [repair]),
      ...(problem === null ? [] : [problem.message]),
      ...sections.map(({ intro, fresh }) => `${intro}\n${fresh.map((text) => `- ${text}`).join('\n')}`),
    ];
    if (texts.length === 0) return null;
    const text = texts.join('\n\n');
    const parts = sections.flatMap(({ fresh }) => fresh);
    await this.#tell([...parts, ...(problem === null ? [] : [problem.message])], text);
    return text;
  }

  #untold(texts: string[]): string[] {
    return texts.filter((text) => !this.#told.has(text));
  }

  async #tell(parts: string[], text: string, level: 'info' | 'warn' = 'warn'): Promise<void> {
    const is_new = parts.length === 0 || parts.some((part) => !this.#told.has(part));
    for (const part of parts) this.#told.add(part);
    if (is_new) await this.#emit({ type: 'log', body: { level, text } });
  }

  /** Reports an event of this repository: another one than the first is named. */
  async #emit(event: WorkerEvent): Promise<void> {
    const { emit, key } = this.#options;
    if (event.type === 'branch.pushed' && key !== null)
      await emit({ type: event.type, body: { ...event.body, repository: key } });
    else if (event.type === 'log') {
      const text = `${this.intro}${event.body.text}`.slice(0, LOG_CHARS_MAX);
      await emit({ type: event.type, body: { ...event.body, text } });
    } else await emit(event);
  }

  #signedOff({ own }: Repositories, message: string): Promise<string> {
    return signedOff(own, this.prepared.base_commit, message);
  }

  #repositories(signal: AbortSignal): Repositories {
    return settingOf(this.#options, signal).repos;
  }
}

function settingOf({ workspace_dir, key, assignment, remote, env }: CloneOptions, signal: AbortSignal): Setting {
  const repos = repositories(workspace_dir, env, signal, key);
  return { repos, remote, task: assignment, found_dir: join(workspace_dir, 'scratch', 'found') };
}

/** What the transcript says about the clone of a repository that it is about. */
function expectedWorkspace(transcript: TranscriptEvent[], key: string | null): Expected {
  const isOfThis = ({ type, body }: TranscriptEvent) =>
    type === 'repository.ready' && (body['repository'] ?? null) === key;
  const body = transcript.findLast(isOfThis)?.body ?? {};
  const { workspace, base_commit } = body;
  return {
    turn: newestTurn(transcript),
    workspace: typeof workspace === 'string' ? workspace : null,
    base_commit: Commit.safeParse(base_commit).data ?? null,
  };
}

/** 0 before the first. */
function newestTurn(transcript: TranscriptEvent[]): number {
  const turn = transcript.findLast(({ type }) => type === 'turn.finished')?.body['turn'];
  return typeof turn === 'number' ? turn : 0;
}
