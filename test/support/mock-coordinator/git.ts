import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pino } from 'pino';
import { sampleBackend } from '../../../coordinator/demo/sample-backend.ts';
import { ensureSampleRepository } from '../../../coordinator/demo/sample-repository.ts';
import { GitProxy } from '../../../coordinator/worker-api/git/git-proxy.ts';
import type { ForgeCredential } from '../../../coordinator/domain/forge-repository.ts';
import type { WorkerProxy } from '../../../coordinator/worker-api/caller.ts';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { repositoryKeys } from '../../../coordinator/domain/task-repository.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { AssignedRepository } from '../../../protocol/repositories.ts';
import type { Assignment } from '../../../protocol/worker-schemas.ts';
import { startGitServer, type GitServer } from '../git-server.ts';
import { UNRESTRICTED } from '../unrestricted.ts';

/** Where a repository really is, for git: a folder or an address. */
type Place = { repo_url: string; place: string };

export type ServedRepository = Place & {
  /** The further repositories, as an assignment names them. */
  others: (AssignedRepository & Place)[];
  proxy: WorkerProxy;
  close: () => Promise<void>;
};

/**
 * Serves repositories through the coordinator's git proxy, each one a local folder (served by `git http-backend`), an
 * address, or `errand://sample`: the first one of a task, and those `beside` it. Throws an error with a message for the
 * user if a folder is not a repository.
 */
export async function serveRepository(
  repository: string,
  data_dir: string,
  credential?: ForgeCredential,
  beside: readonly string[] = [],
): Promise<ServedRepository> {
  const servers: GitServer[] = [];
  const serve = async (each: string): Promise<Place> => {
    const place = await placeOf(each, data_dir);
    if (each === SAMPLE_REPO_URL || isAddress(each)) return { repo_url: each, place };
    const { server, repo_url } = await serveFolder(place);
    servers.push(server);
    return { repo_url, place };
  };
  const first = await serve(repository);
  const places: Place[] = [];
  for (const each of beside) places.push(await serve(each));
  const [, ...keys] = repositoryKeys([first, ...places].map(({ repo_url }) => repo_url));
  const others = places.map((place, i) => ({ ...place, key: keys[i] ?? '', base_branch: null }));
  const proxy = new GitProxy({
    ...UNRESTRICTED,
    repository: ({ key }) => {
      const found = key === null ? first : others.find((other) => other.key === key);
      if (!found) throw new ErrandError('not_found', 'The task has no repository with this key.');
      return { repo_url: found.repo_url, credential };
    },
    // The developer named these addresses on the command line, so they may be private.
    private_hosts: [first, ...others].map(({ repo_url }) => new URL(repo_url).host),
    packs_dir: join(data_dir, 'packs'),
    sample: sampleBackend(() => ensureSampleRepository(data_dir)),
    logger: pino({ level: 'silent' }),
  });
  return {
    ...first,
    others,
    proxy,
    close: async () => void (await Promise.all(servers.map((server) => server.close()))),
  };
}

/** Where a repository is: its folder, or its address. */
async function placeOf(repository: string, data_dir: string): Promise<string> {
  if (repository === SAMPLE_REPO_URL) return ensureSampleRepository(data_dir);
  return isAddress(repository) ? repository : resolve(repository);
}

const isAddress = (repository: string) => /^https?:\/\//.test(repository);

async function serveFolder(path: string): Promise<{ server: GitServer; repo_url: string }> {
  const looks_right = existsSync(join(path, '.git')) || existsSync(join(path, 'HEAD'));
  if (!looks_right) throw new Error(`${path} is not a git repository.`);
  const server = await startGitServer();
  const name = encodeURIComponent(basename(path));
  await symlink(path, join(server.root, basename(path)));
  return { server, repo_url: `${server.origin}/${name}` };
}

/** The part of an assignment about its further repositories. */
export function severalOf({ others }: ServedRepository): Pick<Assignment, 'repositories'> {
  if (others.length === 0) return {};
  return { repositories: others.map(({ place: _place, ...repository }) => repository) };
}
