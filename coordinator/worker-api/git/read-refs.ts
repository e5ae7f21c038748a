import { LIMITS } from '../../../protocol/limits.ts';
import type { AskRepository } from './backend.ts';
import { PktReader } from './pkt-line.ts';

/**
 * The refs of a repository with their commits, the ref that its HEAD points to, if it says so, and whether a fetch
 * can leave out files.
 */
export type Refs = { head: string | undefined; refs: Map<string, string>; can_filter: boolean };

/** Reads the refs as `git ls-remote` does. Rejects with `invalid` or `too_large` where they cannot be read. */
export async function readRefs(ask: AskRepository): Promise<Refs> {
  const { body } = await ask({ service: 'git-upload-pack', headers: {} });
  const found: Refs = { head: undefined, refs: new Map(), can_filter: false };
  try {
    const reader = new PktReader(body[Symbol.asyncIterator](), LIMITS.git_refs_bytes_max);
    // The name of the service, and the flush packet behind it.
    while ((await reader.next()) !== null);
    for (let line = await reader.next(); line !== null; line = await reader.next()) add(found, line.toString('latin1'));
  } finally {
    body.on('error', () => undefined).destroy();
  }
  return found;
}

/** Behind the name of the first ref are the capabilities, after a NUL. */
function add(found: Refs, line: string): void {
  const [, id, name, capabilities] = /^([0-9a-f]{40,64}) ([^\0\n]+)(?:\0([^\n]*))?\n?$/.exec(line) ?? [];
  if (id === undefined || name === undefined) return;
  found.refs.set(name, id);
  if (capabilities === undefined) return;
  found.head = / symref=HEAD:(\S+)/.exec(` ${capabilities}`)?.[1];
  found.can_filter = ` ${capabilities} `.includes(' filter ');
}
