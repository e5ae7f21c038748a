import { LIMITS } from '../../../protocol/limits.ts';
import type { AskRepository } from './backend.ts';
import { PktReader } from './pkt-line.ts';

/**
 * What a repository says beside its refs: the ref that its HEAD points to, if it says so, and whether a fetch can leave
 * out files.
 */
export type Offer = { head: string | undefined; can_filter: boolean };

/**
 * Reads the refs as `git ls-remote` does, and calls `onRef` for each: there may be hundreds of thousands, so none is
 * kept here. Rejects with `invalid` or `too_large` where they cannot be read.
 */
export async function readRefs(
  ask: AskRepository,
  onRef: (name: string, commit: string) => void = () => undefined,
): Promise<Offer> {
  const { body } = await ask({ service: 'git-upload-pack', headers: {} });
  const offer: Offer = { head: undefined, can_filter: false };
  try {
    const reader = new PktReader(body[Symbol.asyncIterator](), LIMITS.git_refs_bytes_max);
    // The name of the service, and the flush packet behind it.
    while ((await reader.next()) !== null);
    for (let line = await reader.next(); line !== null; line = await reader.next()) {
      // Behind the name of the first ref are the capabilities, after a NUL.
      const text = line.toString('latin1');
      const [, id, name, capabilities] = /^([0-9a-f]{40,64}) ([^\0\n]+)(?:\0([^\n]*))?\n?$/.exec(text) ?? [];
      if (id === undefined || name === undefined) continue;
      onRef(name, id);
      if (capabilities === undefined) continue;
      offer.head = / symref=HEAD:(\S+)/.exec(` ${capabilities}`)?.[1];
      offer.can_filter = ` ${capabilities} `.includes(' filter ');
    }
  } finally {
    body.on('error', () => undefined).destroy();
  }
  return offer;
}
