import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { relative, resolve } from 'node:path';
import { ErrandError } from '../../../protocol/problem.ts';
import type { EngineClient } from './client.ts';
import { unlessMissing } from './engine.ts';

/** Converts a path in the data folder into the path of the same file on the engine's machine. */
export type HostPath = (path: string) => string;

type Mount = { Source: string; Destination: string; RW: boolean };

/**
 * Finds out how to convert paths for the engine. They are the same, unless this process runs in a container of that
 * engine: then the data folder must be on a volume. Rejects with `unavailable` if it is not.
 */
export async function findHostPath(engine: EngineClient, data_dir: string): Promise<HostPath> {
  const mounts = await readOwnMounts(engine);
  return mounts ? throughMounts(mounts, data_dir) : (path) => path;
}

/** Converts paths by a container's mounts. The mount with the longest matching path counts. */
export function throughMounts(mounts: Mount[], data_dir: string): HostPath {
  const mount = mounts
    .filter(({ Destination }) => isWithin(Destination, data_dir))
    .toSorted((a, b) => b.Destination.length - a.Destination.length)[0];
  if (!mount?.RW)
    throw new ErrandError(
      'unavailable',
      `The coordinator runs in a container, and its data folder ${data_dir} is not on a writable volume, so workers cannot use ` +
        `their folders. Mount a volume there (-v errand-data:${data_dir}), or set ERRAND_DATA to a folder on one.`,
    );
  return (path) => resolve(mount.Source, relative(mount.Destination, path));
}

/** The mounts of the container that this process runs in; undefined if it runs in no container of this engine. */
async function readOwnMounts(engine: EngineClient): Promise<Mount[] | undefined> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  // Docker mounts these three files into each container. Their source has the container's id, whatever its hostname
  // is.
  const named = /\/containers\/([0-9a-f]{64})\/(?:hostname|hosts|resolv\.conf)\s/.exec(mountinfo)?.[1];
  const id = named ?? (/^[0-9a-f]{12}$/.test(hostname()) ? hostname() : undefined);
  if (id === undefined) return undefined;
  return (await unlessMissing(engine.inspectContainer(id)))?.Mounts;
}

function isWithin(folder: string, path: string): boolean {
  const inner = relative(folder, path);
  return inner === '' || (!inner.startsWith('..') && !inner.startsWith('/'));
}
