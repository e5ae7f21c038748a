import type { Git } from './git.ts';
import { LinePieces } from './line-pieces.ts';
import type { LfsBlob } from './lfs-blobs.ts';
import { readObject } from './lfs-objects.ts';
import { nameOf } from './names-of.ts';
import type { SecretFinding } from './pushed-secrets.ts';
import type { SecretSearch } from './secret-search.ts';

const FINDINGS_MAX = 50;
/** What takes longer is not pushed: nobody has looked at all of it. */
const TIME_LIMIT_MS = 300_000;

/** The secrets in the contents of new files of Git LFS that are here. */
export async function findLfsSecrets(own: Git, blobs: LfsBlob[], secrets: SecretSearch): Promise<SecretFinding[]> {
  const found = new Map<string, SecretFinding>();
  /** However many there are, they hide no other. */
  const perhaps_public = new Map<string, SecretFinding>();
  const time_limit = AbortSignal.timeout(TIME_LIMIT_MS);
  for (const { path, pointer } of blobs) {
    if (pointer === null || found.size >= FINDINGS_MAX) continue;
    const file = nameOf(path);
    let line = 0;
    const pieces = new LinePieces((text, is_continued) => {
      if (!is_continued) line++;
      for (const secret of secrets.in(text)) {
        const where = `${file}:${line}`;
        const list = secret.may_be_public ? perhaps_public : found;
        if (list.size < FINDINGS_MAX) list.set(`${secret.what} ${where}`, { ...secret, where, file });
      }
    });
    const onText = (text: string) => {
      pieces.push(text);
      return found.size < FINDINGS_MAX;
    };
    try {
      await readObject(own, pointer, { signal: AbortSignal.any([own.signal, time_limit]), onText });
      pieces.end();
    } catch (error) {
      if (own.signal.aborted || !time_limit.aborted) throw error;
      const what = `more than can be searched for secrets in ${TIME_LIMIT_MS / 60_000} minutes`;
      return [...found.values(), { what, where: file, file, value: '' }];
    }
  }
  return [...found.values(), ...perhaps_public.values()];
}
