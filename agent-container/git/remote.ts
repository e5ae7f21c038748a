import { join } from 'node:path';
import { AttemptFailure } from '../base/failure.ts';
import { backoffMs, retry } from '../base/retry.ts';
import type { GitFailure } from '../proxy/forward-git.ts';
import { advertisedRefs } from './advertised-refs.ts';
import { Disconnected, fetchFailure, isTemporary, isWithoutCommit } from './git-failure.ts';
import { errorSummary, type Git, type GitOptions, type GitResult } from './git.ts';
import { formatOf, type RemoteRefs } from './remote-refs.ts';

const FETCH_MS = 900_000;
const TRIES_MAX = 5;
const BACKOFF = { first_ms: 500, max_ms: 8_000 };
/** A coordinator that is back should be noticed soon. */
const RECONNECT = { first_ms: 50, max_ms: 5_000 };

/** The remote repository, as the worker reaches it. */
export type Remote = {
  /** Its address at the loopback proxy. */
  url: string;
  /** Its real address, for display. */
  repo_url: string;
  /** The address at which commands reach it. */
  origin: string;
  takeGitFailure: () => GitFailure | null;
};

/** How git ended, and the newest of its requests that failed; null: it succeeded, or none did. */
type Answer = { result: GitResult; failure: GitFailure | null };

/** Lists the remote's branches; `git` need not exist, and may be broken. Throws `AttemptFailure`. */
export async function remoteRefs(git: Git, remote: Remote): Promise<RemoteRefs> {
  return (await advertisedRefs(remote.url, git.signal)) ?? listRefs(git, remote);
}

/** Lists them with a run of git, which understands every server, and says what is wrong with an answer. */
async function listRefs(git: Git, remote: Remote): Promise<RemoteRefs> {
  const args = ['ls-remote', '--symref', remote.url, 'HEAD', 'refs/heads/*'];
  const out = await readFromRemote(git, remote, () => args, noRepository(git));
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

/** The object format of a remote without branches, as it says in the protocol. */
async function objectFormat(git: Git, remote: Remote): Promise<'sha1' | 'sha256'> {
  const env = { ...noRepository(git), GIT_TRACE_PACKET: '2' };
  const { result, failure } = await tryRemote(git, remote, ['ls-remote', '-q', remote.url], { env });
  const { code, stderr } = result;
  if (code === 0) return /< .*\bobject-format=sha256\b/.test(stderr) ? 'sha256' : 'sha1';
  const errors = stderr.replaceAll(/^.* packet: .*\n?/gm, '');
  throw fetchFailure({ ...result, stderr: errors }, failure, remote.repo_url);
}

const FETCH = ['fetch', '-q', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];

/** Fetches branches to `refs/remotes/origin/…`, without submodules. Throws `AttemptFailure`. */
export async function fetchBranches(git: Git, remote: Remote, names: string[], options: string[]): Promise<void> {
  const args = [...FETCH, ...options, remote.url, ...names.map(specOf)];
  await readFromRemote(git, remote, () => args);
}

/**
 * As `fetchBranches`, for branches of `refs` into a new repository. It asks for their commits: git need not list the
 * refs of the remote again. Where that fails, they may have moved.
 */
export async function fetchNew(
  git: Git,
  remote: Remote,
  { branches }: RemoteRefs,
  names: string[],
  options: string[],
): Promise<void> {
  const specs = names.map((name) => `+${branches.get(name)}:refs/remotes/origin/${name}`);
  // One pack, as in any clone: many objects as files of their own take longer to write, and to copy.
  const fetch = ['-c', 'fetch.unpackLimit=1', ...FETCH, ...options, remote.url];
  await readFromRemote(git, remote, (failures) => [...fetch, ...(failures === 0 ? specs : names.map(specOf))]);
}

const specOf = (name: string) => `+refs/heads/${name}:refs/remotes/origin/${name}`;

/**
 * Fetches one commit by its id. Returns why the remote could not be asked for it; null: it is fetched, or the remote
 * does not give it, for not every forge does, and it may be gone.
 */
export async function fetchCommit(
  git: Git,
  remote: Remote,
  commit: string,
  depth: number,
): Promise<AttemptFailure | null> {
  const args = [...FETCH, `--depth=${depth}`, remote.url, commit];
  const { result, failure } = await tryRemote(git, remote, args, { time_limit_ms: FETCH_MS });
  return result.code === 0 || isWithoutCommit(result) ? null : fetchFailure(result, failure, remote.repo_url);
}

/** Runs git on the remote. */
export async function askRemote(git: Git, remote: Remote, args: string[], options: GitOptions): Promise<Answer> {
  remote.takeGitFailure();
  const result = await git.try(args, options);
  return { result, failure: result.code === 0 ? null : remote.takeGitFailure() };
}

/** The remote gave an answer that may be another one next time. */
class TemporaryAnswer extends AttemptFailure {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super('repository_unavailable', `The remote is not available: ${errorSummary(answer.result)}`);
    this.answer = answer;
  }
}

/**
 * Runs git on the remote, and again while that may help: for as long as there is no connection to the coordinator, and
 * a few times after a temporary failure. Returns how it then ended.
 */
export async function tryRemote(git: Git, remote: Remote, args: string[], options: GitOptions): Promise<Answer> {
  try {
    return await retryRemote(git, 'repository_unavailable', async () => {
      const answer = await askRemote(git, remote, args, options);
      const { result, failure } = answer;
      if (failure?.is_disconnected)
        throw new Disconnected('repository_unavailable', 'The repository could not be fetched');
      // What took that long is not tried again.
      if (!result.timed_out && isTemporary(failure)) throw new TemporaryAnswer(answer);
      return answer;
    });
  } catch (error) {
    if (error instanceof TemporaryAnswer) return error.answer;
    throw error;
  }
}

/**
 * Repeats an operation on the remote, with backoff, while it fails for this reason: a few times; and for as long as
 * there is no connection to the coordinator, which will be back. Throws its last failure.
 */
export function retryRemote<T>(
  git: Pick<Git, 'signal'>,
  reason: AttemptFailure['reason'],
  operation: () => Promise<T>,
): Promise<T> {
  let [failures, disconnected] = [0, 0];
  const delayMs = (error: unknown) => {
    if (!(error instanceof AttemptFailure) || error.reason !== reason) return null;
    if (error instanceof Disconnected) return backoffMs(RECONNECT, ++disconnected);
    disconnected = 0;
    return ++failures < TRIES_MAX ? backoffMs(BACKOFF, failures) : null;
  };
  return retry(operation, delayMs, git.signal);
}

/** `argsOf`: the command, by how often it has failed. */
function readFromRemote(
  git: Git,
  remote: Remote,
  argsOf: (failures: number) => string[],
  env: Record<string, string> = {},
): Promise<string> {
  let failures = 0;
  return retryRemote(git, 'repository_unavailable', async () => {
    const args = argsOf(failures++);
    const { result, failure } = await askRemote(git, remote, args, { time_limit_ms: FETCH_MS, env });
    if (result.code === 0) return result.stdout.toString('utf8').trimEnd();
    throw fetchFailure(result, failure, remote.repo_url);
  });
}
