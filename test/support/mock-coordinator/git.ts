import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { sampleBackend } from '../../../coordinator/demo/sample-backend.ts';
import { GitProxy } from '../../../coordinator/worker-api/git/git-proxy.ts';
import type { ForgeCredential } from '../../../coordinator/domain/forge-repository.ts';
import type { WorkerProxy } from '../../../coordinator/worker-api/caller.ts';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { startGitServer } from '../git-server.ts';

export type ServedRepository = { repo_url: string; proxy: WorkerProxy; close: () => Promise<void> };

/**
 * Carries one repository, by the coordinator's own rules: a folder of this machine (served by `git http-backend`), an address, or
 * `errand://sample`. Throws words for a person where the folder is no repository.
 */
export async function serveRepository(
  repository: string,
  data_dir: string,
  credential?: ForgeCredential,
): Promise<ServedRepository> {
  const is_address = repository === SAMPLE_REPO_URL || /^https?:\/\//.test(repository);
  const server = is_address ? null : await serveFolder(resolve(repository));
  const repo_url = server ? `${server.origin}/repository` : repository;
  // Whoever names an address on this command line may reach it, wherever it is.
  const private_hosts = URL.canParse(repo_url) ? [new URL(repo_url).host] : [];
  const proxy = new GitProxy({
    repository: () => ({ repo_url, credential }),
    private_hosts,
    sample: sampleBackend(data_dir),
    logger: pino({ level: 'silent' }),
  });
  return { repo_url, proxy, close: async () => server?.close() };
}

async function serveFolder(path: string) {
  const looks_right = existsSync(join(path, '.git')) || existsSync(join(path, 'HEAD'));
  if (!looks_right) throw new Error(`${path} is no git repository.`);
  const server = await startGitServer();
  await symlink(path, join(server.root, 'repository'));
  return server;
}
