import type { DiffStat } from '../../protocol/task.ts';
import { AttemptFailure } from '../base/failure.ts';
import type { ProgressReporter } from '../base/work.ts';
import { moveHeadTo } from './agent-repository.ts';
import { diff, diffStat, type Diff } from './diff.ts';
import { GitError, type Git } from './git.ts';
import { inspect, problemOf, type Inspection, type Remarks } from './inspect.ts';
import { knownCommits } from './known-commits.ts';
import { asOneCommit, showPointers } from './lfs-held.ts';
import { uploadObjects } from './lfs-objects.ts';
import { hasBegunPush, HEAD_REF, PUSHED_REF, rebuildOwn, removeLocks, WORK_REF } from './own-repository.ts';
import { pushNamed } from './push-named.ts';
import { push } from './push.ts';
import { remoteRefs, type Remote } from './remote.ts';
import type { Repositories } from './repositories.ts';
import type { SecretSearch } from './secret-search.ts';
import { withoutControls } from './sign-off.ts';
import { writeRecord, type WorkspaceRecord } from './workspace-record.ts';
import { commitWorktree } from './worktree-commit.ts';

/**
 * How the work differs from the base, and where it is. `branch` and `commit`: what is on the forge; null if nothing is.
 * `problem`: why the work, or the newest of it, is not there.
 */
export type Published = {
  branch: string | null;
  commit: string | null;
  diff_stat: DiffStat;
  problem: AttemptFailure | null;
  /** The finished commit, where it may not be pushed before its person has approved it; else null. */
  held_commit: string | null;
  /** For people and the model. */
  remarks: Remarks;
} & Diff;

/** How the work differs from the base. */
type Changes = { diff_stat: DiffStat } & Diff;

const NO_DIFF: Diff = { diff: '', diff_truncated: false };
const NO_CHANGES: Changes = { diff_stat: { files: 0, insertions: 0, deletions: 0 }, ...NO_DIFF };
export const NOTHING_PUBLISHED = { branch: null, commit: null, ...NO_CHANGES };

type PublishOptions = {
  message: string;
  /** Work in progress leaves HEAD and the index as they are; otherwise they move to the commit. */
  wip: boolean;
  with_diff: boolean;
  /** Whether the commit may be pushed in spite of these. */
  accept: (remarks: Remarks) => boolean;
};

/**
 * The files as they are now. `commit`: null if they differ in nothing from the base, and finished work has nothing to
 * take back. `is_there`: the forge has the commit, or the same files where they are work in progress.
 */
type Work = { found: Inspection; commit: string | null; is_there: boolean };

type Options = {
  remote: Remote;
  /** Null: nobody has to approve. `commit`: what was approved, and nothing else is pushed; null: nothing yet. */
  approval: { commit: string | null } | null;
  record: WorkspaceRecord;
  /** Finds what no push may contain. */
  secrets: SecretSearch;
  /** When the agent's work began, in milliseconds since 1970: what is newer may be its own. */
  began_ms: () => number;
  emit: ProgressReporter['emit'];
  /** Tells people a text, once. */
  tell: (level: 'info' | 'warn', text: string) => Promise<void>;
};

/** Commits and pushes the working tree: as work in progress during the work, and at its end. One call at a time. */
export class Publisher {
  readonly #options: Options;
  #record: WorkspaceRecord;
  #pushed: string | null = null;
  #previous: Promise<unknown> = Promise.resolve();
  #noted: Promise<void> = Promise.resolve();
  /** Whether the worker's own repository is complete: a record in it says so. */
  #is_complete = true;

  constructor(options: Options) {
    this.#options = options;
    this.#record = options.record;
  }

  /**
   * Pushes everything in one commit, if there is something new. Where the worker's own repository is damaged, it is
   * made anew from the remote first. Throws errors of git; what the forge or the inspection refuses is a `problem`.
   */
  publish(repos: Repositories, given: PublishOptions): Promise<Published> {
    const options = { ...given, message: withoutControls(given.message) };
    return this.#inTurn(repos, () => this.#publish(repos, options));
  }

  /** What `publish` would find, without a push. `is_unchanged`: there is nothing to push, and no push was begun. */
  review(repos: Repositories): Promise<Pick<Published, 'problem' | 'remarks'> & { is_unchanged: boolean }> {
    return this.#inTurn(repos, async () => {
      const { own } = repos;
      await removeLocks(own.git_dir);
      const { found, commit } = await this.#commit(repos, { message: 'Review', wip: false });
      const is_unchanged = commit === null && !(await hasBegunPush(own));
      return { is_unchanged, problem: problemOf(found, false), remarks: found.remarks };
    });
  }

  #inTurn<T>(repos: Repositories, act: () => Promise<T>): Promise<T> {
    const done = this.#previous.then(async () => {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof GitError)) throw error;
        await this.#rebuild(repos);
        return act();
      }
    });
    this.#previous = done.catch(() => undefined);
    return done;
  }

  /** Changes the record of the workspace, one call at a time: nobody else does, so that no change undoes another. */
  note(own: Git, news: Partial<WorkspaceRecord>): Promise<void> {
    this.#record = { ...this.#record, ...news };
    const noted = this.#noted.then(() => (this.#is_complete ? writeRecord(own, this.#record) : undefined));
    this.#noted = noted.catch(() => undefined);
    return noted;
  }

  async #publish(repos: Repositories, { message, wip, with_diff, accept }: PublishOptions): Promise<Published> {
    const { own } = repos;
    // A git that was killed, as by a cancel, may have left some.
    await removeLocks(own.git_dir);
    const work = await this.#commit(repos, { message, wip });
    const { found, commit } = work;
    const { remarks } = found;
    for (const text of wip ? [] : found.outputs) await this.#options.tell('info', text);
    if (commit === null && (remarks.left_out.length === 0 || accept(remarks)))
      return { ...NOTHING_PUBLISHED, problem: null, held_commit: null, remarks };
    const changes = commit === null ? NO_CHANGES : await this.#changesOf(own, commit, with_diff);
    const { diff_stat } = changes;
    const outcome = await this.#pushOrHold(repos, work, { wip, accept, diff_stat });
    const place = await this.#placeOnForge(own);
    return { ...place, ...changes, diff: found.redact(changes.diff), ...outcome, remarks };
  }

  /** Commits the files. */
  async #commit(repos: Repositories, { message, wip }: Pick<PublishOptions, 'message' | 'wip'>): Promise<Work> {
    const { own } = repos;
    const { base_commit } = this.#record;
    const { approval, secrets, began_ms, remote } = this.#options;
    const worktree = await commitWorktree(repos, message);
    const { commit: made } = worktree;
    const pushed = await own.resolve(PUSHED_REF);
    const history = { commit: made, head: worktree.agent.head, record: this.#record };
    const known = await knownCommits(own, remote, history);
    const given = { ...worktree, wip, known, base_commit, secrets, began_ms: began_ms(), repo_url: remote.repo_url };
    const found = await inspect(repos, given);
    const { pointer_paths } = found;
    const is_to_show = approval !== null && !wip && pointer_paths.length > 0;
    const commit = is_to_show && made !== null ? await this.#commitToShow(own, made, pointer_paths, message) : made;
    const target = await this.#target(own, wip);
    const is_there = target === commit || (wip && pushed?.tree === worktree.tree);
    // Finished work that takes back what was pushed is pushed too: the branch would keep what it undoes.
    const is_undone = !wip && target !== null && (this.#record.work_branch === undefined || !is_there);
    return { found, commit: commit === base_commit && !is_undone ? null : commit, is_there };
  }

  async #changesOf(own: Git, commit: string, with_diff: boolean): Promise<Changes> {
    const { base_commit } = this.#record;
    const [diff_stat, changes] = await Promise.all([
      diffStat(own, base_commit, commit),
      with_diff ? diff(own, base_commit, commit) : NO_DIFF,
    ]);
    return { diff_stat, ...changes };
  }

  /** Pushes the commit if it is new. Where its person is to approve it first, the finished one is held until then. */
  async #pushOrHold(
    repos: Repositories,
    { found, commit, is_there }: Work,
    { wip, accept, diff_stat }: Pick<PublishOptions, 'wip' | 'accept'> & { diff_stat: DiffStat },
  ): Promise<Pick<Published, 'problem' | 'held_commit'>> {
    const { remarks, warnings } = found;
    const { approval, tell } = this.#options;
    const problem = problemOf(found, wip);
    if (problem !== null || commit === null || is_there || !accept(remarks)) return { problem, held_commit: null };
    if (approval === null || approval.commit === commit)
      return { problem: await this.#push(repos, commit, { wip, diff_stat, found }), held_commit: null };
    if (wip) return { problem, held_commit: null };
    for (const text of warnings.held) await tell('warn', text);
    // The commit is kept as it is, so that the same one can be pushed later.
    await moveHeadTo(repos, commit);
    return { problem, held_commit: commit };
  }

  /** The newest commit on the forge, and the branch that has it: the one that the person named, if it does. */
  async #placeOnForge(own: Git): Promise<{ branch: string | null; commit: string | null }> {
    const commit = await own.commit(PUSHED_REF);
    if (commit === null) return { branch: null, commit };
    const { branch, work_branch = branch } = this.#record;
    const is_at_named = (await this.#target(own, false)) === commit;
    return { branch: is_at_named ? work_branch : branch, commit };
  }

  /** The commit of finished work that is to be approved: one whose diff has all that the approval is for. */
  async #commitToShow(own: Git, commit: string, pointer_paths: string[], message: string): Promise<string> {
    await showPointers(own, pointer_paths);
    if (commit === this.#options.approval?.commit) return commit;
    const base = (await own.commit(PUSHED_REF)) ?? this.#record.base_commit;
    return asOneCommit(own, { base, commit, message });
  }

  /** Returns why the commit could not be pushed; null: it was. */
  async #push(
    repos: Repositories,
    work: string,
    { wip, diff_stat, found }: { wip: boolean; diff_stat: DiffStat; found: Inspection },
  ): Promise<AttemptFailure | null> {
    try {
      const { branch, commit } = await this.#pushToOwn(repos, work, {
        wip,
        has_pointers: found.pointer_paths.length > 0,
      });
      for (const text of found.warnings.pushed) await this.#options.tell('warn', text);
      if (!wip) await moveHeadTo(repos, commit);
      const { at, refusal } = wip ? { at: branch, refusal: null } : await this.#pushToNamed(repos, branch, commit);
      const body = { branch: at, commit, wip: wip || refusal !== null, diff_stat };
      await this.#options.emit({ type: 'branch.pushed', body });
      return refusal;
    } catch (error) {
      if (error instanceof AttemptFailure) return error;
      throw error;
    }
  }

  /** Pushes to the task's branch. If the work is at another one then, that is the task's from now on. */
  async #pushToOwn(
    { own }: Repositories,
    work: string,
    { wip, has_pointers }: { wip: boolean; has_pointers: boolean },
  ): Promise<{ branch: string; commit: string }> {
    const { remote, approval } = this.#options;
    const { branch: task_branch, base_commit } = this.#record;
    const known = await own.commit(PUSHED_REF);
    if (has_pointers) await uploadObjects(own, remote, { branch: task_branch, commit: work, known });
    const is_exact = approval !== null;
    const { branch, commit } = await push(own, remote, task_branch, { commit: work, is_exact, wip, base_commit });
    this.#pushed = commit;
    if (branch !== task_branch) await this.note(own, { branch });
    return { branch, commit };
  }

  /** Pushes on to the branch that the person named. `at`: where the work is then; `refusal`: why it is not there. */
  async #pushToNamed(
    repos: Repositories,
    branch: string,
    commit: string,
  ): Promise<{ at: string; refusal: AttemptFailure | null }> {
    const { work_branch } = this.#record;
    if (work_branch === undefined) return { at: branch, refusal: null };
    const outcome = await pushNamed(repos.own, this.#options.remote, work_branch, commit);
    switch (outcome.kind) {
      case 'pushed':
        return { at: work_branch, refusal: null };
      case 'refused':
        return { at: branch, refusal: outcome.failure };
      case 'gone':
        await this.note(repos.own, { work_branch: undefined });
        await this.#options.tell('warn', `${outcome.why} The work is at ${branch} instead.`);
        return { at: branch, refusal: null };
    }
  }

  /** The commit of the branch that a push goes to in the end. */
  #target(own: Git, wip: boolean): Promise<string | null> {
    return own.commit(wip || this.#record.work_branch === undefined ? PUSHED_REF : WORK_REF);
  }

  /** Makes the worker's own repository anew: what it had beyond the remote is in the agent's, or in the files. */
  async #rebuild({ own }: Repositories): Promise<void> {
    const { remote } = this.#options;
    const refs = await remoteRefs(own, remote);
    this.#is_complete = false;
    await this.#noted;
    await rebuildOwn(own, remote, refs, this.#record);
    const current = refs.branches.get(this.#record.branch);
    if (current !== undefined && current === this.#pushed) await own.run(['update-ref', PUSHED_REF, current]);
    if (this.#record.base_commit === null) await own.try(['update-ref', '-d', HEAD_REF]);
    this.#is_complete = true;
    await this.note(own, {});
  }
}
