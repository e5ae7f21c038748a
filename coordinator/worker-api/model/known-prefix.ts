import { createHash } from 'node:crypto';
import { estimateMessages } from './estimate-input.ts';
import type { Message, RequestBody } from './request-body.ts';

/** A prompt whose tokens the API has counted: `messages` of them, with this digest. */
type Known = { messages: number; digest: string; tokens: number };

const TASKS_MAX = 1_000;
/** Between a prompt and what follows it the API may add a few tokens. */
const JOINT_TOKENS = 500;

/** A prompt, with a digest of all that precedes its messages, and one for each message with all that precedes it. */
export type Prompt = { messages: Message[]; digests: string[] };

/** The fields that change from request to request and are no part of the prompt. */
const NO_PROMPT = new Set(['messages', 'max_tokens', 'stream', 'metadata', 'diagnostics', 'cache_control']);

/** Hashes a request's prompt. */
export function toPrompt(body: RequestBody): Prompt {
  let digest = hash(
    '',
    Object.entries(body).filter(([name]) => !NO_PROMPT.has(name)),
  );
  return {
    messages: body.messages,
    digests: [digest, ...body.messages.map((message) => (digest = hash(digest, message)))],
  };
}

/**
 * Remembers the newest prompt of each task with its tokens. The next prompt usually repeats it and adds a few messages,
 * so that its tokens are known almost exactly.
 */
export class KnownPrefixes {
  /** The task that was not used for the longest time comes first. */
  readonly #known = new Map<string, Known>();

  /** Remembers how many tokens the API counted in a prompt. */
  remember(task_id: string, { messages, digests }: Prompt, tokens: number): void {
    this.#known.delete(task_id);
    this.#known.set(task_id, { messages: messages.length, digest: digests.at(-1) ?? '', tokens });
    const [oldest] = this.#known.keys();
    if (this.#known.size > TASKS_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  /** The most tokens of a prompt that repeats the remembered one; undefined for any other. */
  tokensMax(task_id: string, { messages, digests }: Prompt): number | undefined {
    const known = this.#known.get(task_id);
    if (!known || digests[known.messages] !== known.digest) return undefined;
    return known.tokens + estimateMessages(messages.slice(known.messages)) + JOINT_TOKENS;
  }
}

/** The marks of the cache move from request to request and add no tokens. */
function hash(before: string, part: unknown): string {
  const json = JSON.stringify(part, (key, value: unknown) => (key === 'cache_control' ? undefined : value));
  return createHash('sha256').update(before).update(json).digest('base64');
}
