import { createHash } from 'node:crypto';
import { hasToWait } from '../base/retry.ts';
import { ForgeApiError } from './forge-api-error.ts';

/**
 * Until when a forge limits each token. Nothing is sent with it meanwhile: forges bar who goes on asking, and each call
 * may make the wait longer.
 */
export class CallLimits {
  readonly #until = new Map<string, Date>();

  /** Throws `rate_limited` while the forge limits this token. */
  require(host: string, token: string): void {
    const key = keyOf(token);
    const retry_at = this.#until.get(key);
    if (retry_at === undefined) return;
    if (hasToWait(retry_at.getTime(), Date.now()))
      throw new ForgeApiError('rate_limited', `${host} takes no more calls for now.`, { retry_at });
    this.#until.delete(key);
  }

  /** The forge has limited the token. */
  note(token: string, retry_at: Date): void {
    for (const [key, until] of this.#until) if (until.getTime() <= Date.now()) this.#until.delete(key);
    this.#until.set(keyOf(token), retry_at);
  }
}

/** No token is kept in memory for this. */
function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
