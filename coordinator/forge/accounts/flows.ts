import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Keys } from '../../base/keys.ts';
import { seal, unseal } from '../../base/seal.ts';

/**
 * What is known of a sign-in that has begun. `user_id`: who links an account, or makes an app. `device`: the forge's
 * code of a device flow.
 */
const Flow = z.object({
  purpose: z.enum(['sign_in', 'link', 'app']),
  way: z.string(),
  state: z.string(),
  verifier: z.string(),
  redirect_uri: z.string(),
  expires_at_ms: z.number(),
  user_id: z.string().optional(),
  setup_code: z.string().optional(),
  invite: z.string().optional(),
  device: z.string().optional(),
});
export type Flow = z.infer<typeof Flow>;

const CONTEXT = 'sign-in flow';
/** Used ones that are remembered. A forge accepts a code only once, too. */
const USED_MAX = 100_000;

/**
 * Sign-ins that have begun. Each is held by the browser or program that began it, encrypted: strangers fill nothing up
 * here, and nobody else can finish it. It works once.
 */
export class Flows {
  readonly #keys: Keys;
  readonly #now: () => number;
  /** The states of used flows, and when they expire. */
  readonly #used = new Map<string, number>();

  constructor(keys: Keys, now: () => number) {
    this.#keys = keys;
    this.#now = now;
  }

  /** Begins one. `text` is for who began it, `flow.state` and the challenge of `flow.verifier` for the forge. */
  begin(given: Omit<Flow, 'state' | 'verifier' | 'expires_at_ms'>): { flow: Flow; text: string } {
    const [state, verifier] = [randomBytes(24).toString('base64url'), randomBytes(48).toString('base64url')];
    const flow = { ...given, state, verifier, expires_at_ms: this.#now() + LIMITS.sign_in_s * 1000 };
    return { flow, text: seal(this.#keys, JSON.stringify(flow), CONTEXT) };
  }

  /**
   * Opens one. `user_id`: who is logged in; undefined: nobody. Throws `link_invalid` if it was used or has expired, if
   * this server did not begin it, or somebody else or for something else.
   */
  open(text: string, purpose: Flow['purpose'], user_id: string | undefined): Flow {
    const flow = this.#unseal(text);
    if (flow?.purpose !== purpose || flow.user_id !== user_id) throw invalid();
    if (flow.expires_at_ms < this.#now() || this.#used.has(flow.state)) throw invalid();
    return flow;
  }

  /** Uses it up. Throws `link_invalid` if somebody was faster. */
  use({ state, expires_at_ms }: Flow): void {
    if (this.#used.has(state)) throw invalid();
    this.#used.set(state, expires_at_ms);
    for (const [oldest, until] of this.#used) {
      if (until > this.#now() && this.#used.size <= USED_MAX) break;
      this.#used.delete(oldest);
    }
  }

  #unseal(text: string): Flow | undefined {
    try {
      return Flow.parse(JSON.parse(unseal(this.#keys, text, CONTEXT)));
    } catch {
      return undefined;
    }
  }
}

/** What a forge gets at the start of a flow, to compare with the verifier at its end (PKCE, S256). */
export function challengeOf({ verifier }: Flow): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

/**
 * The code in the query that the browser came back with. Throws `link_invalid` if the state is not that of the flow,
 * and `forbidden` if the person refused.
 */
export function codeOf(answer: string, flow: Flow): string {
  const query = new URLSearchParams(answer);
  const [code, error] = [query.get('code'), query.get('error')];
  if (query.get('state') !== flow.state) throw invalid();
  if (error === 'access_denied') throw new ErrandError('forbidden', 'You did not allow it there.');
  if (code === null || error !== null)
    throw new ErrandError('link_invalid', `The sign-in failed there: ${plain(error ?? 'no code came back')}.`);
  return code;
}

/** A word of the other side, short and without anything that is not plain text. */
function plain(text: string): string {
  return text.replaceAll(/[^\w .-]+/g, ' ').slice(0, 100);
}

function invalid(): ErrandError {
  return new ErrandError(
    'link_invalid',
    'This sign-in was finished before, has expired, or was begun in another browser: begin again.',
  );
}
