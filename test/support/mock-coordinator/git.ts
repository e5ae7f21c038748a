import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { sampleBackend } from '../../../coordinator/demo/sample-backend.ts';
import { ensureSampleRepository } from '../../../coordinator/demo/sample-repository.ts';
import { GitProxy } from '../../../coordinator/worker-api/git/git-proxy.ts';
import type { ForgeCredential } from '../../../coordinator/domain/forge-repository.ts';
import type { WorkerProxy } from '../../../coordinator/worker-api/caller.ts';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { startGitServer } from '../git-server.ts';

export type ServedRepository = {
  repo_url: string;
  proxy: WorkerProxy;
  /** Where it really is, for git: a folder or an address. */
  place: string;
  close: () => Promise<void>;
};

/**
 * Serves one repository through the coordinator's git proxy: a local folder (served by `git http-backend`), an address,
 * or `errand://sample`. Throws an error with a message for the user if the folder is not a repository.
 */
export async function serveRepository(
  repository: string,
  data_dir: string,
  credential?: ForgeCredential,
): Promise<ServedRepository> {
  const place = await placeOf(repository, data_dir);
  const is_served = repository === SAMPLE_REPO_URL || isAddress(repository);
  const server = is_served ? null : await serveFolder(place);
  const repo_url = server ? `${server.origin}/repository` : repository;
  // The developer named this address on the command line, so it may be private.
  const private_hosts = URL.canParse(repo_url) ? [new URL(repo_url).host] : [];
  const proxy = new GitProxy({
    repository: () => ({ repo_url, credential }),
    private_hosts,
    sample: sampleBackend(data_dir),
    logger: pino({ level: 'silent' }),
  });
  return { repo_url, proxy, place, close: async () => server?.close() };
}

/** Where a repository is: its folder, or its address. */
async function placeOf(repository: string, data_dir: string): Promise<string> {
  if (repository === SAMPLE_REPO_URL) return ensureSampleRepository(data_dir);
  return isAddress(repository) ? repository : resolve(repository);
}

const isAddress = (repository: string) => /^https?:\/\//.test(repository);

async function serveFolder(path: string) {
  const looks_right = existsSync(join(path, '.git')) || existsSync(join(path, 'HEAD'));
  if (!looks_right) throw new Error(`${path} is not a git repository.`);
  const server = await startGitServer();
  await symlink(path, join(server.root, 'repository'));
  return server;
}
