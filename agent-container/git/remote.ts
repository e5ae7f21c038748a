import { setTimeout as sleep } from 'node:timers/promises';
import type { GitRefusal } from '../loopback-proxy.ts';
import type { Git } from './git.ts';
import { fetchError } from './repository-error.ts';

const FETCH_MS = 900_000;
export const TRIES_MAX = 5;

/** The repository, as the worker reaches it. */
export type Remote = {
  /** By the forwarder. */
  url: string;
  /** For display. */
  repo_url: string;
  takeGitRefusal: () => GitRefusal | null;
};

/** The remote's branches with their commits, and the branch that its HEAD names, if that is there. */
export type Refs = { head: string | undefined; branches: Map<string, string> };

export async function remoteRefs(git: Git, remote: Remote): Promise<Refs> {
  const out = await fetching(git, remote, ['ls-remote', '--symref', remote.url, 'HEAD', 'refs/heads/*']);
  const branches = new Map<string, string>();
  let head: string | undefined;
  for (const line of out.split('\n')) {
    const [left = '', name = ''] = line.split('\t');
    if (name === 'HEAD' && left.startsWith('ref: refs/heads/')) head = left.slice('ref: refs/heads/'.length);
    else if (name.startsWith('refs/heads/')) branches.set(name.slice('refs/heads/'.length), left);
  }
  return { head, branches };
}

/** Fetches branches to `refs/remotes/origin/…`; `how` are further options. Submodules stay as they are: not there. */
export async function fetchBranches(git: Git, remote: Remote, names: string[], how: string[]): Promise<void> {
  const specs = names.map((name) => `+refs/heads/${name}:refs/remotes/origin/${name}`);
  await fetching(git, remote, ['fetch', '-q', '--no-tags', '--no-recurse-submodules', ...how, 'origin', ...specs]);
}

/** A command that reads from the remote, tried again where the remote could not be reached. Throws `RepositoryError`. */
async function fetching(git: Git, remote: Remote, args: string[]): Promise<string> {
  for (let tries = 1; ; tries++) {
    remote.takeGitRefusal();
    const end = await git.try(args, { time_limit_ms: FETCH_MS });
    if (end.code === 0) return end.stdout.toString('utf8').trimEnd();
    const error = fetchError(end, remote.takeGitRefusal(), remote.repo_url);
    if (error.reason !== 'repository_unavailable' || tries === TRIES_MAX) throw error;
    await pause(git, tries);
  }
}

/** Waits before another try: half a second at first, some eight at last. */
export async function pause(git: Git, tries: number): Promise<void> {
  await sleep(250 * 2 ** tries * (0.5 + Math.random() / 2), undefined, { signal: git.signal });
}
