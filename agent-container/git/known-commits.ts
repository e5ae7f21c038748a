import { AttemptFailure } from '../base/failure.ts';
import type { Git } from './git.ts';
import { PUSHED_REF, tracking, WORK_REF, type Branches } from './own-repository.ts';
import { fetchBranches, remoteRefs, type Remote } from './remote.ts';

/** What others have on the remote already, of what a commit contains. */
export type KnownCommits = {
  /** Commits that the remote has: what they contain need not be looked at before a push. */
  not: string[];
  /**
   * The newest commits of others' branches that the commit contains, the first of them being where the task started.
   */
  bases: string[];
};

type Given = {
  commit: string | null;
  /** The agent's HEAD: what else is new was committed by the worker itself. */
  head: string | null;
  record: Branches & { base_commit: string | null };
};

/**
 * The commits that the remote has, of those that could be in `commit`. The remote itself is asked: the agent can write
 * anything to its own refs. Only where the agent has commits of its own is there something to ask about: it may have
 * fetched and merged what others pushed.
 */
export async function knownCommits(own: Git, remote: Remote, { commit, head, record }: Given): Promise<KnownCommits> {
  const { base_commit, base_branch, work_branch } = record;
  const seen = [base_commit, await own.commit(PUSHED_REF), await own.commit(WORK_REF)];
  const known = [...new Set(seen.filter((id) => id !== null))];
  if (commit === null) return { not: known, bases: [] };
  const branches = [base_branch, work_branch].filter((name) => name !== undefined);
  const has_more = await hasMore(own, { commit, head, known });
  const not = has_more ? [...new Set([...known, ...(await fetchTips(own, remote, branches))])] : known;
  const merged = await Promise.all(branches.map((name) => mergedOf(own, tracking(name), commit)));
  return { not, bases: [...new Set([base_commit, ...merged].filter((id) => id !== null))] };
}

/** What git reads from `--stdin` to list what a push of `commit` adds. There may be more commits than arguments. */
export function revisions(commit: string, not: string[]): string {
  return [commit, ...not.map((id) => `^${id}`), ''].join('\n');
}

/** Whether a push adds other commits than the one that the worker itself has just made. */
async function hasMore(
  own: Git,
  { commit, head, known }: { commit: string; head: string | null; known: string[] },
): Promise<boolean> {
  const ids = await own.run(['rev-list', '--max-count=2', '--stdin'], { input: revisions(commit, known) });
  return ids.split('\n').some((id) => id !== '' && (id !== commit || commit === head));
}

/**
 * The commits at which the remote's branches are, as far as they are here. Those of `branches` are fetched: they may
 * have moved since the agent fetched them.
 */
async function fetchTips(own: Git, remote: Remote, branches: string[]): Promise<string[]> {
  try {
    const refs = await remoteRefs(own, remote);
    const moved: string[] = [];
    for (const name of branches) {
      const current = refs.branches.get(name);
      if (current !== undefined && current !== (await own.commit(tracking(name)))) moved.push(name);
    }
    if (moved.length > 0) await fetchBranches(own, remote, moved, []);
    return await commitsHere(own, [...refs.branches.values()]);
  } catch (error) {
    // The push will fail for the same reason. Without the tips, the inspection only covers more than it needs to.
    if (error instanceof AttemptFailure) return [];
    throw error;
  }
}

async function commitsHere(own: Git, ids: string[]): Promise<string[]> {
  const check = ['cat-file', '--batch-check=%(objecttype) %(objectname)'];
  const lines = (await own.run(check, { input: ids.map((id) => `${id}\n`).join('') })).split('\n');
  return lines.flatMap((line) => (line.startsWith('commit ') ? [line.slice('commit '.length)] : []));
}

/** The newest commit of a branch that the commit contains; null: the branch is not there, or unrelated. */
async function mergedOf(own: Git, branch: string, commit: string): Promise<string | null> {
  const { code, stdout } = await own.try(['merge-base', branch, commit]);
  return code === 0 ? stdout.toString('utf8').trim() : null;
}
