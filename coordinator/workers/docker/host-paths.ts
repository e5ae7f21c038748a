import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { relative, resolve } from 'node:path';
import type Docker from 'dockerode';
import { ErrandError } from '../../../protocol/problem.ts';
import { ifThere } from './engine.ts';

/** Gives the path by which the engine's machine knows a path below the data folder. */
export type HostPath = (path: string) => string;

type Mount = { Source: string; Destination: string; RW: boolean };

/**
 * How paths of this process are called on the engine's machine. They are the same, unless this process runs in a container of that engine:
 * then the data folder must be on a volume, and its paths are the volume's. Throws `unavailable`, in words, where it is not.
 */
export async function findHostPath(docker: Docker, data_dir: string): Promise<HostPath> {
  const mounts = await readOwnMounts(docker);
  return mounts ? throughMounts(mounts, data_dir) : (path) => path;
}

/** The translation by a container's mounts: the one that reaches deepest into the path counts. */
export function throughMounts(mounts: Mount[], data_dir: string): HostPath {
  const holding = mounts
    .filter(({ Destination }) => isWithin(Destination, data_dir))
    .toSorted((a, b) => b.Destination.length - a.Destination.length)[0];
  if (!holding?.RW)
    throw new ErrandError(
      'unavailable',
      `The coordinator runs in a container, and its data folder ${data_dir} is not on a volume that it may write: workers could not be given ` +
        `their folders. Mount a volume there (-v errand-data:${data_dir}), or set ERRAND_DATA to a folder on one.`,
    );
  return (path) => resolve(holding.Source, relative(holding.Destination, path));
}

/** The mounts of the container that this process runs in; undefined where the engine knows of no such container. */
async function readOwnMounts(docker: Docker): Promise<Mount[] | undefined> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  // Docker mounts these three files of its own into each container; their source names it, whatever its hostname was set to.
  const named = /\/containers\/([0-9a-f]{64})\/(?:hostname|hosts|resolv\.conf)\s/.exec(mountinfo)?.[1];
  const id = named ?? (/^[0-9a-f]{12}$/.test(hostname()) ? hostname() : undefined);
  if (id === undefined) return undefined;
  return (await ifThere(docker.getContainer(id).inspect()))?.Mounts;
}

function isWithin(folder: string, path: string): boolean {
  const inner = relative(folder, path);
  return inner === '' || (!inner.startsWith('..') && !inner.startsWith('/'));
}
