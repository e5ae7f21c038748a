import { createHash } from 'node:crypto';
import { LIMITS } from '../../protocol/limits.ts';
import type { ForgeAnswer } from './forge-http.ts';

type Known = { etag: string; answer: ForgeAnswer };

/**
 * Keeps the last answers that have an ETag, for one token each: whether they changed can be asked at no cost. The one
 * that was not used for the longest goes first. It keeps and gives copies: the thread that reads an answer takes its
 * bytes.
 */
export class AnswerCache {
  readonly #known = new Map<string, Known>();

  get(token: string, url: URL): Known | undefined {
    const key = keyOf(token, url);
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    this.#known.delete(key);
    this.#known.set(key, known);
    return { ...known, answer: copyOf(known.answer) };
  }

  set(token: string, url: URL, answer: ForgeAnswer): void {
    const { etag } = answer.headers;
    const key = keyOf(token, url);
    this.#known.delete(key);
    if (etag === undefined || answer.status !== 200 || answer.body.length > LIMITS.forge_kept_answer_bytes_max) return;
    this.#known.set(key, { etag, answer: copyOf(answer) });
    if (this.#known.size <= LIMITS.forge_kept_answers_max) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }
}

function copyOf(answer: ForgeAnswer): ForgeAnswer {
  return { ...answer, body: Buffer.from(answer.body) };
}

/** No token is kept in memory for a cache. */
function keyOf(token: string, url: URL): string {
  return createHash('sha256').update(token).update('\n').update(url.href).digest('base64');
}
