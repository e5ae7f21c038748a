import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The address of a listener: a TCP port or the path of a unix socket. */
export type ListenerAddress = { port: number } | { path: string };

/** All TCP ports and unix sockets that a process listens on, from Linux's /proc. */
export function listenersOf(pid: number): ListenerAddress[] {
  const own = socketsOf(pid);
  const isOwn = (inode: string | undefined) => inode !== undefined && own.has(inode);
  const tcp = ['tcp', 'tcp6'].flatMap((table) =>
    rowsOf(`/proc/${pid}/net/${table}`)
      .filter(([, , , state, , , , , , inode]) => state === TCP_LISTEN && isOwn(inode))
      .map(([, local = '']) => ({ port: Number.parseInt(local.split(':').at(-1) ?? '', 16) })),
  );
  const unix = rowsOf(`/proc/${pid}/net/unix`)
    .filter(([, , , flags, , , inode]) => flags === UNIX_LISTENS && isOwn(inode))
    .map(([, , , , , , , path = '']) => ({ path }));
  return [...tcp, ...unix];
}

const TCP_LISTEN = '0A';
const UNIX_LISTENS = '00010000';

function rowsOf(table: string): string[][] {
  const [, ...lines] = readFileSync(table, 'utf8').trimEnd().split('\n');
  return lines.map((line) => line.trim().split(/\s+/));
}

/** The inodes of the process's open sockets. */
export function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // Closed since it was listed.
    }
  }
  return inodes;
}
