import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ForgeCredential } from '../../../coordinator/domain/forge-repository.ts';
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
    const branches = await listBranches(place, branch_prefix, credential);
    const lines = branches.map((branch) => `The branch is in ${place}: ${showCommand(place, branch)}`);
    return { branches, words: lines.join('\n') || `${place} has no branch of this task.` };
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim() : String(error);
    return { branches: [], words: `The branches in ${place} could not be read: ${reason}` };
  }
}

async function listBranches(place: string, branch_prefix: string, credential?: ForgeCredential): Promise<string[]> {
  const patterns = [branch_prefix, branch_prefix.replaceAll('/', '-')].map((prefix) => `refs/heads/${prefix}*`);
  const env = { ...process.env, GIT_TERMINAL_PROMPT: '0', ...credentialEnvironment(credential) };
  const { stdout } = await promisify(execFile)('git', ['ls-remote', place, ...patterns], { env, timeout: GIT_MS });
  return [...stdout.matchAll(/\trefs\/heads\/(.+)$/gm)].map(([, branch = '']) => branch);
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
