import { createHash } from 'node:crypto';
import { estimateMessage } from './estimate-input.ts';
import type { RequestBody } from './request-body.ts';

/** A prompt whose tokens the API has counted: `messages` of them, with this digest. */
type Known = { messages: number; digest: string; tokens: number };

const TASKS_MAX = 1_000;
/** Of SHA-256. */
const DIGEST_BYTES = 32;
/** Between a prompt and what follows it the API may add a few tokens. */
const JOINT_TOKENS = 500;

/**
 * A prompt, in arrays that cost little to pass between threads: a digest of all that precedes its messages, and one for
 * each message with all that precedes it; and as many bounds of the tokens that follow each of these.
 */
export type Prompt = { digests: Uint8Array; tokens_after: Float64Array };

/** The fields that change from request to request and are no part of the prompt. */
const NO_PROMPT = new Set(['messages', 'max_tokens', 'stream', 'metadata', 'diagnostics', 'cache_control']);

/** Hashes and measures a request's prompt. */
export function toPrompt(body: RequestBody): Prompt {
  const { messages } = body;
  const digests = new Uint8Array((messages.length + 1) * DIGEST_BYTES);
  const fields = Object.entries(body).filter(([name]) => !NO_PROMPT.has(name));
  let digest = hash(new Uint8Array(), fields);
  digests.set(digest);
  for (const [i, message] of messages.entries()) {
    digest = hash(digest, message);
    digests.set(digest, (i + 1) * DIGEST_BYTES);
  }
  const tokens_after = new Float64Array(messages.length + 1);
  let tokens = 0;
  for (const [i, message] of [...messages.entries()].toReversed()) {
    tokens += estimateMessage(message);
    tokens_after[i] = tokens;
  }
  return { digests, tokens_after };
}

/**
 * Remembers the newest prompt of each task with its tokens. The next prompt usually repeats it and adds a few messages,
 * so that its tokens are known almost exactly.
 */
export class KnownPrefixes {
  /** The task that was not used for the longest time comes first. */
  readonly #known = new Map<string, Known>();

  /** Remembers how many tokens the API counted in a prompt. */
  remember(task_id: string, prompt: Prompt, tokens: number): void {
    this.#known.delete(task_id);
    const messages = prompt.tokens_after.length - 1;
    this.#known.set(task_id, { messages, digest: digestAt(prompt, messages), tokens });
    const [oldest] = this.#known.keys();
    if (this.#known.size > TASKS_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  /** The most tokens of a prompt that repeats the remembered one; undefined for any other. */
  tokensMax(task_id: string, prompt: Prompt): number | undefined {
    const known = this.#known.get(task_id);
    if (!known) return undefined;
    const tokens_after = prompt.tokens_after[known.messages];
    if (tokens_after === undefined || digestAt(prompt, known.messages) !== known.digest) return undefined;
    return known.tokens + tokens_after + JOINT_TOKENS;
  }
}

/** The marks of the cache move from request to request and add no tokens. */
function hash(before: Uint8Array, part: unknown): Uint8Array {
  const json = JSON.stringify(part, (key, value: unknown) => (key === 'cache_control' ? undefined : value));
  return createHash('sha256').update(before).update(json).digest();
}

function digestAt({ digests }: Prompt, i: number): string {
  return Buffer.from(digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES)).toString('base64');
}
