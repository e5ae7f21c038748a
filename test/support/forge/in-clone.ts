import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { git } from '../git-server.ts';
import type { Repository, World } from './world.ts';

/** Runs in a clone of a branch; returns the commit that it ends at. */
export async function inClone(
  world: World,
  repository: Repository,
  branch: string,
  work: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'errand-forge-clone-'));
  try {
    const start = (await world.branch(repository, branch)) === undefined ? repository.default_branch : branch;
    await git(folder, 'clone', '--quiet', '--branch', start, world.folder(repository), '.');
    await work(folder);
    return await git(folder, 'rev-parse', 'HEAD');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
