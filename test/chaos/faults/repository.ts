import { existsSync } from 'node:fs';
import { appendFile, chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workersIn } from '../../support/errand.ts';
import { removeWorkers } from '../../support/remove-workers.ts';
import type { Random } from '../../support/random.ts';
import { insisting, type Fault } from '../fault.ts';
import type { Scene } from '../scene.ts';

/** Damages the `.git` of a running errand, and then perhaps ends its worker, so that the next attempt finds it. */
const toGit = (damage: (git_dir: string) => Promise<unknown>): Fault['inject'] =>
  insisting(async (scene, random) => {
    const workspaces = join(scene.data_dir, 'workspaces');
    const found = (await readdir(workspaces)).map((name) => join(workspaces, name, 'repo/.git')).filter(existsSync);
    if (found.length === 0) return false;
    await damage(random.pick(found));
    if (random.next() < 0.5 && workersIn(scene.data_dir).length > 0) await removeWorkers(scene.data_dir, scene.docker);
    return true;
  });

const KEPT = 'the files are pushed all the same; the next attempt goes on with them';

/** The forge's hook refuses every push until the errands have ended; then a person retries them. */
async function refusePushes(scene: Scene, random: Random): Promise<boolean> {
  if (!(await scene.moment(random))) return false;
  const hook = join(scene.forge.root, 'adder.git/hooks/pre-receive');
  await writeFile(hook, '#!/bin/sh\necho "pushes are closed for today" >&2\nexit 1\n');
  await chmod(hook, 0o755);
  const tasks = await scene.ended();
  await rm(hook);
  const failed = tasks.filter(({ status }) => status === 'failed');
  for (const { id } of failed) await scene.insist(() => scene.api.call('retryTask', { params: { id } }));
  return failed.length > 0;
}

export const REPOSITORY_FAULTS: Fault[] = [
  {
    name: "agent's .git: removed",
    outcome: KEPT,
    inject: toGit((git_dir) => rm(git_dir, { recursive: true })),
  },
  {
    name: "agent's .git: set to be bare",
    outcome: KEPT,
    inject: toGit((git_dir) => appendFile(join(git_dir, 'config'), '[core]\n\tbare = true\n')),
  },
  {
    name: "agent's .git: its objects removed",
    outcome: KEPT,
    inject: toGit((git_dir) => rm(join(git_dir, 'objects'), { recursive: true })),
  },
  {
    name: "agent's .git: garbage as its HEAD, index and settings",
    outcome: KEPT,
    inject: toGit(async (git_dir) => {
      for (const name of ['HEAD', 'index', 'config']) await writeFile(join(git_dir, name), 'garbage');
    }),
  },
  {
    name: 'forge: a hook refuses every push',
    outcome: 'the errand fails with the words of the forge; its work is kept, and a retry pushes it',
    inject: refusePushes,
  },
];
