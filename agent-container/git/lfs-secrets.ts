import type { Git } from './git.ts';
import type { LfsBlob } from './lfs-blobs.ts';
import { readObject } from './lfs-objects.ts';
import type { SecretFinding } from './pushed-secrets.ts';
import type { SecretSearch } from './secret-search.ts';

const FINDINGS_MAX = 50;
/** What takes longer is not pushed: nobody has looked at all of it. */
const TIME_LIMIT_MS = 300_000;
/** A longer line is read in pieces, which overlap so that no secret falls between two. */
const LINE_CHARS_MAX = 1 << 20;
const OVERLAP_CHARS = 8192;

/** The secrets in the contents of new files of Git LFS that are here. */
export async function findLfsSecrets(own: Git, blobs: LfsBlob[], secrets: SecretSearch): Promise<SecretFinding[]> {
  const found = new Map<string, SecretFinding>();
  const time_limit = AbortSignal.timeout(TIME_LIMIT_MS);
  for (const { path, pointer } of blobs) {
    if (pointer === null || found.size >= FINDINGS_MAX) continue;
    const lines = new Lines((text, line) => {
      for (const { what, value } of secrets.in(text)) {
        const where = `${path}:${line}`;
        found.set(`${what} ${where}`, { what, where, value });
      }
    });
    const onText = (text: string) => {
      lines.push(text);
      return found.size < FINDINGS_MAX;
    };
    try {
      await readObject(own, pointer, { signal: AbortSignal.any([own.signal, time_limit]), onText });
      lines.push('\n');
    } catch (error) {
      if (own.signal.aborted || !time_limit.aborted) throw error;
      const what = `more than can be searched for secrets in ${TIME_LIMIT_MS / 60_000} minutes`;
      return [...found.values(), { what, where: path, value: '' }];
    }
  }
  return [...found.values()];
}

/** Gives a text line by line. */
class Lines {
  readonly #look: (text: string, line: number) => void;
  #rest = '';
  #line = 1;

  constructor(look: (text: string, line: number) => void) {
    this.#look = look;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const each of lines) this.#look(each, this.#line++);
    if (this.#rest.length <= LINE_CHARS_MAX) return;
    this.#look(this.#rest, this.#line);
    this.#rest = this.#rest.slice(-OVERLAP_CHARS);
  }
}
