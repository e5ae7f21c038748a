import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { WorkerProxy } from '../../coordinator/worker-api/caller.ts';
import { ensureSampleRepository } from '../../coordinator/demo/sample-repository.ts';
import { sampleBackend } from '../../coordinator/demo/sample-backend.ts';
import { GitProxy, type GitDependencies } from '../../coordinator/worker-api/git/git-proxy.ts';
import { createLogger } from '../../coordinator/base/logger.ts';
import { branchPrefix } from '../../coordinator/domain/task.ts';
import { newId } from '../../protocol/ids.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { memoryFolder } from './folder.ts';
import { git, startGitServer, type Credential, type GitServer } from './git-server.ts';
import { serveWorkerProxy, type WorkerProxyServer } from './worker-proxy-server.ts';
import { UNRESTRICTED } from './unrestricted.ts';

/** The forge's credential. It must never reach the worker. */
export const CREDENTIAL = { username: 'x-access-token', password: 'canary-of-the-forge' };

export type GitProxyScene = {
  forge: GitServer;
  proxy: WorkerProxy;
  server: WorkerProxyServer;
  folder: string;
  /** The task's branch prefix. */
  prefix: string;
  repo_url: string;
};

/** Starts a forge with a private repository, and the git proxy in front of it. */
export async function setUp(
  t: ExecutionContext,
  change: Partial<GitDependencies> = {},
  credential: Credential | null = CREDENTIAL,
  task_id = newId(),
): Promise<GitProxyScene> {
  const forge = await startGitServer(credential ?? undefined);
  t.teardown(forge.close);
  const repo_url = await forge.createRepository('team/app');
  const folder = await memoryFolder(t);
  const proxy = new GitProxy({
    ...UNRESTRICTED,
    repository: ({ key }) => {
      if (key !== null) throw new ErrandError('not_found', 'The task has no repository with this key.');
      return { repo_url, credential: credential ?? undefined };
    },
    private_hosts: [forge.host],
    packs_dir: join(folder, 'packs'),
    sample: sampleBackend(() => ensureSampleRepository(join(folder, 'data'))),
    logger: createLogger('silent'),
    ...change,
  });
  return {
    forge,
    proxy,
    server: await serveWorkerProxy(t, proxy, task_id),
    folder,
    prefix: branchPrefix(task_id),
    repo_url,
  };
}

/** Makes a clone with one commit that is not on the forge. */
export async function cloneWithWork({ server, folder }: GitProxyScene): Promise<string> {
  const clone = join(folder, 'clone');
  await git(folder, 'clone', '--quiet', server.url, clone);
  await commit(clone, 'work.txt', 'done\n');
  return clone;
}

/** Adds a file and commits it. */
export async function commit(clone: string, file: string, content: string | Buffer): Promise<void> {
  await writeFile(join(clone, file), content);
  await git(clone, 'add', file);
  await git(clone, 'commit', '--quiet', '--message=Work');
}

/** All refs of the forge's repository: name and commit. */
export function refsOf({ forge }: GitProxyScene): Promise<string> {
  return git(join(forge.root, 'team/app'), 'for-each-ref', '--format=%(refname) %(objectname)');
}
