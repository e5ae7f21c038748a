import bcrypt from 'bcrypt';
import { ErrandError } from '../../protocol/problem.ts';

/** bcrypt at this cost takes about a quarter of a second. */
const ROUNDS = 12;
/** Hashing runs on the few threads that files and names are served by too: most must stay free. */
const AT_ONCE = 2;
const WAITING_MAX = 32;
/** bcrypt reads no further than this, and stops at a NUL. */
const BYTES_MAX = 72;

/** Passwords by bcrypt, so many at once as the machine bears. Past that callers wait, and past a bound they are refused with `unavailable`. */
export class Passwords {
  readonly #rounds: number;
  readonly #nobody: string;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** `rounds` is lower in tests alone. */
  constructor(rounds = ROUNDS) {
    this.#rounds = rounds;
    // A hash that no password has: an unknown account costs the same work as a wrong password.
    this.#nobody = bcrypt.genSaltSync(rounds) + '.'.repeat(31);
  }

  /** The hash to store. The password has been checked: at most 72 bytes, no NUL. */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => bcrypt.hash(password, this.#rounds));
  }

  /** Whether the password is the one of this hash. With no hash: false, after the same work. */
  matches(password: string, hash: string | undefined): Promise<boolean> {
    const readable = Buffer.byteLength(password) <= BYTES_MAX && !password.includes('\0');
    return this.#inTurn(async () => (await bcrypt.compare(password, hash ?? this.#nobody)) && readable);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= WAITING_MAX)
        throw new ErrandError('unavailable', 'Too many log-ins at once: try again in a few seconds.', {
          retry_after_s: 5,
        });
      // Whoever leaves hands over its place, so `#running` stays as it is.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
