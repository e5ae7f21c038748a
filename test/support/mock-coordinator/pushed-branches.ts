import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ForgeCredential } from '../../../coordinator/domain/forge-repository.ts';
import type { ResultPost } from '../../../protocol/worker-schemas.ts';
import { shellQuote } from '../shell-quote.ts';

const GIT_MS = 30_000;

/** The branches of a task, and words for a person with the command that shows each of them. */
type Pushed = { branches: string[]; words: string };

/**
 * Looks up the branches of a task where they really are: `place` is a folder or an address. If it cannot be read,
 * there are no branches, and the words have git's reason.
 */
export async function readPushed(place: string, branch_prefix: string, credential?: ForgeCredential): Promise<Pushed> {
  try {
    const patterns = [branch_prefix, branch_prefix.replaceAll('/', '-')].map((prefix) => `refs/heads/${prefix}*`);
    const branches = [...(await listBranches(place, patterns, credential)).keys()];
    const lines = branches.map((branch) => `The branch is in ${place}: ${showCommand(place, branch)}`);
    return { branches, words: lines.join('\n') || `${place} has no branch of this task.` };
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim() : String(error);
    return { branches: [], words: `The branches in ${place} could not be read: ${reason}` };
  }
}

/** A commit that a result names as pushed to this branch. */
type Claim = Pick<ResultPost, 'branch' | 'commit' | 'base_commit'>;

/** What a result says of `place` that is not so; null: there is nothing. */
export async function unpushedCommit(
  place: string,
  { branch, commit, base_commit }: Claim,
  credential?: ForgeCredential,
): Promise<string | null> {
  if (commit === null || commit === base_commit) return null;
  const found = branch === null ? new Map() : await listBranches(place, [`refs/heads/${branch}`], credential);
  if (branch !== null && found.get(branch) === commit) return null;
  return `The worker reported the commit ${commit} at ${branch ?? 'no branch'}, and ${place} does not have it there.`;
}

/** The commit of each branch. */
async function listBranches(
  place: string,
  patterns: string[],
  credential?: ForgeCredential,
): Promise<Map<string, string>> {
  const env = { ...process.env, GIT_TERMINAL_PROMPT: '0', ...credentialEnvironment(credential) };
  const { stdout } = await promisify(execFile)('git', ['ls-remote', place, ...patterns], { env, timeout: GIT_MS });
  return new Map(
    [...stdout.matchAll(/^(\w+)\trefs\/heads\/(.+)$/gm)].map(([, commit = '', branch = '']) => [branch, commit]),
  );
}

/** Git's settings for a credential, which the command line would show to others. */
function credentialEnvironment(credential: ForgeCredential | undefined): Record<string, string> {
  if (credential === undefined) return {};
  const basic = Buffer.from(`${credential.username}:${credential.password}`).toString('base64');
  return {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.extraHeader',
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
  };
}

const showCommand = (place: string, branch: string) =>
  /^https?:/.test(place)
    ? `git fetch ${shellQuote(place)} ${shellQuote(branch)} && git show FETCH_HEAD`
    : `git -C ${shellQuote(place)} show ${shellQuote(branch)}`;
