import type { Git } from './git.ts';
import type { Blob } from './lfs-blobs.ts';
import { readObject } from './lfs-objects.ts';
import type { SecretFinding } from './pushed-secrets.ts';
import type { SecretSearch } from './secret-search.ts';

const FINDINGS_MAX = 50;
/** A longer line is read in pieces, which overlap so that no secret falls between two. */
const LINE_CHARS_MAX = 1 << 20;
const OVERLAP_CHARS = 8192;

/** The secrets in the contents of new files of Git LFS that are here. */
export async function findLfsSecrets(own: Git, blobs: Blob[], secrets: SecretSearch): Promise<SecretFinding[]> {
  const found = new Map<string, SecretFinding>();
  for (const { path, pointer } of blobs) {
    if (pointer === null) continue;
    let rest = '';
    let line = 1;
    const look = (text: string) => {
      if (found.size >= FINDINGS_MAX) return;
      for (const { what, value } of secrets.in(text)) {
        const where = `${path}:${line}`;
        found.set(`${what} ${where}`, { what, where, value });
      }
    };
    await readObject(own, pointer, (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const each of lines) {
        look(each);
        line++;
      }
      if (rest.length <= LINE_CHARS_MAX) return;
      look(rest);
      rest = rest.slice(-OVERLAP_CHARS);
    });
    look(rest);
  }
  return [...found.values()];
}
