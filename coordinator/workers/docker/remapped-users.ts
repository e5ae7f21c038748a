import { readFileSync } from 'node:fs';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Owner } from '../directories.ts';
import type { Info } from './client.ts';

/** An engine that remaps users keeps its data in a folder that is named after its first user and group. */
const REMAPPED_ROOT = /\/(\d+)\.(\d+)\/?$/;

/** Lines of `/proc/self/uid_map`: the first id inside, the first id outside, and how many there are. */
type Mapping = { inside: number; outside: number; count: number };

/**
 * To whom a folder must belong here so that it belongs to `user` in a container. They differ where the engine gives
 * containers other users of the machine (`userns-remap`). Throws `unavailable` where this process has no such user.
 * `maps`: the user and group map of this process.
 */
export function ownerOutside(info: Info, user: Owner, maps = readMaps()): Owner {
  if (!info.SecurityOptions?.some((option) => /\bname=userns\b/.test(option))) return user;
  const [, uid, gid] = REMAPPED_ROOT.exec(info.DockerRootDir ?? '') ?? [];
  if (uid === undefined || gid === undefined)
    throw refusal('its first user is not known, since the name of its data folder does not say it');
  const owner = { uid: here(Number(uid) + user.uid, maps.uid), gid: here(Number(gid) + user.gid, maps.gid) };
  if (process.getuid?.() !== 0 && owner.uid !== process.getuid?.())
    throw refusal(
      'only root can give folders to its users, which this server is not: run it as root, or in its container',
    );
  return owner;
}

/** The id by which this process, which may be in a container too, knows an id of the machine. */
function here(id: number, mappings: Mapping[]): number {
  const mapping = mappings.find(({ outside, count }) => id >= outside && id < outside + count);
  if (!mapping) throw refusal(`this server's own container has no user for its user ${id}`);
  return id - mapping.outside + mapping.inside;
}

function refusal(why: string): ErrandError {
  return new ErrandError('unavailable', `Docker remaps users (userns-remap), and ${why}. Start Docker without it.`);
}

function readMaps(): { uid: Mapping[]; gid: Mapping[] } {
  return { uid: readMap('/proc/self/uid_map'), gid: readMap('/proc/self/gid_map') };
}

function readMap(path: string): Mapping[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
    return { inside, outside, count };
  });
}
