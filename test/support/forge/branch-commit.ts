import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { tryGit } from '../git-server.ts';

/**
 * The commit of a branch of a bare repository; undefined: there is none. Mostly its file says so, without a process.
 */
export async function branchCommit(bare: string, branch: string): Promise<string | undefined> {
  const loose = await readFile(join(bare, 'refs/heads', branch), 'utf8').catch(() => undefined);
  if (loose !== undefined) return loose.trim();
  const packed = await stat(join(bare, 'packed-refs')).catch(() => undefined);
  if (packed === undefined) return undefined;
  const { ok, stdout } = await tryGit(bare, 'rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{commit}`);
  return ok ? stdout.trim() : undefined;
}
