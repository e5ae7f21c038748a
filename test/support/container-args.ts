import type { Owner } from '../../coordinator/workers/directories.ts';

/** The paths of a worker's folders in its container, as in `protocol/worker.ts`. */
export const INSIDE = {
  coordinator_dir: '/run/errand/coordinator',
  worker_dir: '/run/errand/worker',
  workspace_dir: '/workspace',
};

/** The user of workers in containers, as the Docker runner chooses it: this user, but never root. */
export function containerUser(): Owner {
  const uid = process.getuid?.() || 1000;
  return { uid, gid: process.getgid?.() || uid };
}

/**
 * The options of `docker run` for a worker, confined as by the Docker runner: no network and a read-only root folder.
 * In groups, each of which makes a line. A worker that is not called has no `worker_dir`.
 */
export function containerOptions(
  dirs: { coordinator_dir: string; worker_dir?: string; workspace_dir: string },
  env: Record<string, string>,
): string[][] {
  const { uid, gid } = containerUser();
  return [
    ['--rm', '--init', '--network', 'none', '--read-only', '--cap-drop', 'ALL'],
    ['--security-opt', 'no-new-privileges', '--tmpfs', '/tmp:rw,exec', '--user', `${uid}:${gid}`],
    ['-v', `${dirs.coordinator_dir}:${INSIDE.coordinator_dir}:ro`],
    ...(dirs.worker_dir === undefined ? [] : [['-v', `${dirs.worker_dir}:${INSIDE.worker_dir}`]]),
    ['-v', `${dirs.workspace_dir}:${INSIDE.workspace_dir}`],
    ...Object.entries(env).map(([name, value]) => ['-e', `${name}=${value}`]),
  ];
}
