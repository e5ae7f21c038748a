import type { DiffStat } from '../../protocol/task.ts';
import type { Assignment } from '../../protocol/worker.ts';
import type { ProgressReporter } from '../base/work.ts';
import { diff, diffStat, type Diff } from './diff.ts';
import type { Git } from './git.ts';
import { push, PUSHED_REF } from './push.ts';
import type { Remote } from './remote.ts';
import { commitWorktree, moveHeadTo } from './worktree-commit.ts';

/** The task's branch, and how it differs from the base. Null and empty if nothing has changed. */
type Published = { branch: string | null; commit: string | null; diff_stat: DiffStat } & Diff;

/** The most paths that one event names as not committed. */
const EXCLUDED_LOGGED_MAX = 20;
const NO_DIFF: Diff = { diff: '', diff_truncated: false };
export const NOTHING_PUBLISHED: Published = {
  branch: null,
  commit: null,
  diff_stat: { files: 0, insertions: 0, deletions: 0 },
  ...NO_DIFF,
};

type PublishOptions = {
  message: string;
  /** Work in progress leaves HEAD and the index as they are; otherwise they move to the commit. */
  wip: boolean;
  with_diff: boolean;
};

/** Commits and pushes the working tree: as work in progress during the work, and at its end. One call at a time. */
export class Publisher {
  readonly #remote: Remote;
  readonly #task: Assignment;
  readonly #base_commit: string | null;
  readonly #emit: ProgressReporter['emit'];
  readonly #excluded = new Set<string>();
  #branch: string;
  #previous: Promise<unknown> = Promise.resolve();

  constructor(remote: Remote, task: Assignment, base_commit: string | null, emit: ProgressReporter['emit']) {
    this.#remote = remote;
    this.#task = task;
    this.#base_commit = base_commit;
    this.#emit = emit;
    this.#branch = task.branch;
  }

  /** Pushes everything in one commit, if there is something new. Throws `AttemptFailure`, or any other error of git. */
  publish(git: Git, options: PublishOptions): Promise<Published> {
    const published = this.#previous.then(() => this.#publish(git, options));
    this.#previous = published.catch(() => undefined);
    return published;
  }

  async #publish(git: Git, { message, wip, with_diff }: PublishOptions): Promise<Published> {
    const base = this.#base_commit;
    const [worktree, pushed] = await Promise.all([commitWorktree(git, message), git.resolve(PUSHED_REF)]);
    const { commit, tree } = worktree;
    await this.#logExcluded(worktree.excluded);
    if (commit === null || commit === base) return NOTHING_PUBLISHED;
    const is_new = !(pushed?.commit === commit || (wip && pushed?.tree === tree));
    const [branch, diff_stat, changes] = await Promise.all([
      is_new ? push(git, this.#remote, { ...this.#task, branch: this.#branch }, commit) : this.#branch,
      diffStat(git, base, commit),
      with_diff ? diff(git, base, commit) : NO_DIFF,
    ]);
    this.#branch = branch;
    if (is_new) {
      if (!wip) await moveHeadTo(git, commit);
      await this.#emit({ type: 'branch.pushed', body: { branch, commit, wip, diff_stat } });
    }
    return { branch, commit: is_new || pushed === null ? commit : pushed.commit, diff_stat, ...changes };
  }

  /** Logs, once for each path, that it is not committed. */
  async #logExcluded(excluded: string[]): Promise<void> {
    const fresh = excluded.filter((text) => !this.#excluded.has(text)).slice(0, EXCLUDED_LOGGED_MAX);
    if (fresh.length === 0) return;
    for (const text of fresh) this.#excluded.add(text);
    await this.#emit({ type: 'log', body: { level: 'warn', text: `Not committed: ${fresh.join('; ')}` } });
  }
}
