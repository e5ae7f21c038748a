import { ErrandError } from '../../../protocol/problem.ts';

/** The tokens of one task, with the attempt that each is for. */
export class TaskTokens extends Map<string, { attempt: number; expired: boolean }> {
  /** Whether all attempts have the same token, so that the same command starts a worker for each of them. */
  stays = false;
  readonly #task_id: string;

  constructor(task_id: string) {
    super();
    this.#task_id = task_id;
  }

  /** Makes a new token for this attempt. */
  add(attempt: number): void {
    this.set(`token-${this.#task_id}-${attempt}-${this.size + 1}`, { attempt, expired: false });
  }

  /** Gives the next attempt a token. The tokens of the attempts before are known, but stale. */
  next(attempt: number): void {
    if (!this.stays) return this.add(attempt);
    const [first = ''] = this.keys();
    this.set(first, { attempt, expired: false });
  }

  /** The newest token of an attempt. */
  newest(attempt: number): string {
    return [...this].findLast(([, known]) => known.attempt === attempt)?.[0] ?? '';
  }

  /** The attempt of a token. Throws `unauthenticated`. */
  attemptOf(token: string | undefined, call: string): number {
    const known = token === undefined ? undefined : this.get(token);
    const may_be_expired = call === 'heartbeat' || (call === 'assignment' && this.stays);
    if (known === undefined || (known.expired && !may_be_expired))
      throw new ErrandError('unauthenticated', 'The token is not valid here.');
    return known.attempt;
  }

  /** Expires all of them: only a heartbeat still accepts them, and returns a new one. */
  expire(): void {
    for (const token of this.values()) token.expired = true;
  }
}
