import type { DiffStat } from '../../protocol/task.ts';
import type { Assignment } from '../../protocol/worker.ts';
import type { Git } from './git.ts';
import { push, PUSHED } from './push.ts';
import type { Remote } from './remote.ts';
import { diff, diffStat, settleOn, takeSnapshot, type Diff } from './commit-worktree.ts';
import type { Report } from '../base/work.ts';

/** What the task's branch holds, and how that differs from the base. All null and empty where nothing differs. */
export type Published = { branch: string | null; commit: string | null; diff_stat: DiffStat } & Diff;

const NO_DIFF: Diff = { diff: '', diff_truncated: false };
const NOTHING: Published = {
  branch: null,
  commit: null,
  diff_stat: { files: 0, insertions: 0, deletions: 0 },
  ...NO_DIFF,
};

type How = {
  message: string;
  /** Work in progress leaves HEAD and the index where they are; else they move to the commit. */
  wip: boolean;
  with_diff: boolean;
};

/** Commits and pushes what is in the repository: as work in progress in the midst of the work, and at its end. One at a time. */
export class Publisher {
  readonly #remote: Remote;
  readonly #task: Assignment;
  readonly #base_commit: string | null;
  readonly #emit: Report['emit'];
  readonly #left_out = new Set<string>();
  #branch: string;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(remote: Remote, task: Assignment, base_commit: string | null, emit: Report['emit']) {
    this.#remote = remote;
    this.#task = task;
    this.#base_commit = base_commit;
    this.#emit = emit;
    this.#branch = task.branch;
  }

  /** Pushes all there is in one commit, if anything is new. Throws `RepositoryError`, or what else went wrong with git. */
  publish(git: Git, how: How): Promise<Published> {
    const published = this.#turn.then(() => this.#publish(git, how));
    this.#turn = published.catch(() => undefined);
    return published;
  }

  async #publish(git: Git, { message, wip, with_diff }: How): Promise<Published> {
    const base = this.#base_commit;
    const [{ commit, tree, left_out }, pushed] = await Promise.all([takeSnapshot(git, message), git.look(PUSHED)]);
    await this.#tell(left_out);
    if (commit === null || commit === base) return NOTHING;
    const is_news = !(pushed?.commit === commit || (wip && pushed?.tree === tree));
    const [branch, diff_stat, differing] = await Promise.all([
      is_news ? push(git, this.#remote, { ...this.#task, branch: this.#branch }, commit) : this.#branch,
      diffStat(git, base, commit),
      with_diff ? diff(git, base, commit) : NO_DIFF,
    ]);
    this.#branch = branch;
    if (is_news) {
      if (!wip) await settleOn(git, commit);
      await this.#emit({ type: 'branch.pushed', body: { branch, commit, wip, diff_stat } });
    }
    return { branch, commit: is_news || pushed === null ? commit : pushed.commit, diff_stat, ...differing };
  }

  /** Says once of each path that it is not committed. */
  async #tell(left_out: string[]): Promise<void> {
    const news = left_out.filter((words) => !this.#left_out.has(words)).slice(0, 20);
    if (news.length === 0) return;
    for (const words of news) this.#left_out.add(words);
    await this.#emit({ type: 'log', body: { level: 'warn', text: `Not committed: ${news.join('; ')}` } });
  }
}
