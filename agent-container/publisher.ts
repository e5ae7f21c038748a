import type { DiffStat } from '../protocol/task.ts';
import type { Assignment } from '../protocol/worker.ts';
import type { Git } from './git.ts';
import { push, PUSHED } from './push.ts';
import type { Remote } from './remote.ts';
import { diff, diffStat, settleOn, takeSnapshot } from './snapshot.ts';
import type { Report } from './work.ts';

/** What the task's branch holds. All null where nothing differs from the base. */
export type Published = { branch: string | null; commit: string | null; diff_stat: DiffStat };

const NOTHING: Published = { branch: null, commit: null, diff_stat: { files: 0, insertions: 0, deletions: 0 } };

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

  /**
   * Pushes all there is in one commit with this message, if anything is new. Work in progress leaves HEAD and the index where they are; else
   * they move to the commit. Throws `RepositoryError`, or what else went wrong with git.
   */
  publish(git: Git, message: string, wip: boolean): Promise<Published> {
    const published = this.#turn.then(() => this.#publish(git, message, wip));
    this.#turn = published.catch(() => undefined);
    return published;
  }

  async #publish(git: Git, message: string, wip: boolean): Promise<Published> {
    const { commit, left_out } = await takeSnapshot(git, message);
    await this.#tell(left_out);
    if (commit === null || commit === this.#base_commit) return NOTHING;
    const pushed = await git.commit(PUSHED);
    const stat = await diffStat(git, this.#base_commit, commit);
    if (pushed !== null && (pushed === commit || (wip && (await isSameTree(git, pushed, commit)))))
      return { branch: this.#branch, commit: pushed, diff_stat: stat };
    this.#branch = await push(git, this.#remote, { ...this.#task, branch: this.#branch }, commit);
    if (!wip) await settleOn(git, commit);
    await this.#emit({ type: 'branch.pushed', body: { branch: this.#branch, commit, wip, diff_stat: stat } });
    return { branch: this.#branch, commit, diff_stat: stat };
  }

  /** The unified diff of what was published. */
  async diff(git: Git, { commit }: Published): Promise<{ diff: string; diff_truncated: boolean }> {
    return commit === null ? { diff: '', diff_truncated: false } : diff(git, this.#base_commit, commit);
  }

  /** Says once of each path that it is not committed. */
  async #tell(left_out: string[]): Promise<void> {
    const news = left_out.filter((words) => !this.#left_out.has(words)).slice(0, 20);
    if (news.length === 0) return;
    for (const words of news) this.#left_out.add(words);
    await this.#emit({ type: 'log', body: { level: 'warn', text: `Not committed: ${news.join('; ')}` } });
  }
}

async function isSameTree(git: Git, one: string, other: string): Promise<boolean> {
  return (await git.try(['diff', '--quiet', one, other])).code === 0;
}
