import { join } from 'node:path';
import { AttemptFailure } from '../base/failure.ts';
import { backoffMs, retry } from '../base/retry.ts';
import type { GitFailure } from '../proxy/forward-git.ts';
import { fetchFailure } from './git-failure.ts';
import type { Git } from './git.ts';

const FETCH_MS = 900_000;
const TRIES_MAX = 5;
const BACKOFF = { first_ms: 500, max_ms: 8_000 };

/** The remote repository, as the worker reaches it. */
export type Remote = {
  /** Its address at the loopback proxy. */
  url: string;
  /** Its real address, for display. */
  repo_url: string;
  takeGitFailure: () => GitFailure | null;
};

/** The remote's branches with their commits, and the branch that its HEAD points to, if that exists. */
export type RemoteRefs = {
  head: string | undefined;
  branches: Map<string, string>;
  object_format: 'sha1' | 'sha256';
};

/** Lists the remote's branches; `git` need not exist, and may be broken. Throws `AttemptFailure`. */
export async function remoteRefs(git: Git, remote: Remote): Promise<RemoteRefs> {
  const args = ['ls-remote', '--symref', remote.url, 'HEAD', 'refs/heads/*'];
  const out = await readFromRemote(git, remote, args, noRepository(git));
  const branches = new Map<string, string>();
  let head: string | undefined;
  for (const line of out.split('\n')) {
    const [left = '', name = ''] = line.split('\t');
    if (name === 'HEAD' && left.startsWith('ref: refs/heads/')) head = left.slice('ref: refs/heads/'.length);
    else if (name.startsWith('refs/heads/')) branches.set(name.slice('refs/heads/'.length), left);
  }
  const [commit] = branches.values();
  const object_format = commit === undefined ? await objectFormat(git, remote) : formatOf(commit);
  return { head, branches, object_format };
}

/** Has git read no settings but those of its command line. */
const noRepository = ({ git_dir }: Git) => ({ GIT_DIR: join(git_dir, 'none') });

const formatOf = (commit: string) => (commit.length === 64 ? 'sha256' : 'sha1');

/** The object format of a remote without branches, as it says in the protocol. */
async function objectFormat(git: Git, remote: Remote): Promise<'sha1' | 'sha256'> {
  const { stderr } = await git.try(['ls-remote', '-q', remote.url], { env: { ...noRepository(git), GIT_TRACE_PACKET: '2' } });
  return /< .*\bobject-format=sha256\b/.test(stderr) ? 'sha256' : 'sha1';
}

const FETCH = ['fetch', '-q', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];

/** Fetches branches to `refs/remotes/origin/…`, without submodules. Throws `AttemptFailure`. */
export async function fetchBranches(git: Git, remote: Remote, names: string[], options: string[]): Promise<void> {
  const specs = names.map((name) => `+refs/heads/${name}:refs/remotes/origin/${name}`);
  await readFromRemote(git, remote, [...FETCH, ...options, remote.url, ...specs]);
}

/** Fetches one commit by its id. Not every forge allows it, and it may be gone: then nothing is fetched. */
export async function fetchCommit(git: Git, remote: Remote, commit: string, depth: number): Promise<void> {
  await git.try([...FETCH, `--depth=${depth}`, remote.url, commit], { time_limit_ms: FETCH_MS });
}

/** Repeats an operation on the remote, with backoff, while it fails for this reason. Throws its last failure. */
export function retryRemote<T>(git: Git, reason: AttemptFailure['reason'], operation: () => Promise<T>): Promise<T> {
  const delayMs = (error: unknown, failures: number) =>
    error instanceof AttemptFailure && error.reason === reason && failures < TRIES_MAX
      ? backoffMs(BACKOFF, failures)
      : null;
  return retry(operation, delayMs, git.signal);
}

function readFromRemote(git: Git, remote: Remote, args: string[], env: Record<string, string> = {}): Promise<string> {
  return retryRemote(git, 'repository_unavailable', async () => {
    remote.takeGitFailure();
    const result = await git.try(args, { time_limit_ms: FETCH_MS, env });
    if (result.code === 0) return result.stdout.toString('utf8').trimEnd();
    throw fetchFailure(result, remote.takeGitFailure(), remote.repo_url);
  });
}
