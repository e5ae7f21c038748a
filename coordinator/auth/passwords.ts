import bcrypt from 'bcrypt';
import { ErrandError } from '../../protocol/problem.ts';

/** bcrypt at this cost takes about a quarter of a second. */
const ROUNDS = 12;
/**
 * How many hashes of one lane run at once. They use the same few threads as file access and DNS, most of which must
 * stay free.
 */
const AT_ONCE = 1;
const WAITING_MAX = 32;
/** bcrypt ignores what follows these bytes or a NUL. */
const BYTES_MAX = 72;

/**
 * Who waits for a hash. `known`: whoever has shown before that the account is theirs. However many strangers guess,
 * they wait behind each other alone.
 */
export type Lane = 'known' | 'strangers';

/**
 * Hashes passwords with bcrypt, one at a time in each lane. Further callers wait; past a limit they are refused with
 * `unavailable`.
 */
export class Passwords {
  readonly #rounds: number;
  readonly #nobody: string;
  readonly #queues: Record<Lane, Queue> = { known: new Queue(), strangers: new Queue() };

  /** Only tests set `rounds`. */
  constructor(rounds = ROUNDS) {
    this.#rounds = rounds;
    // A hash that no password has: an unknown account takes as long as a wrong password.
    this.#nobody = bcrypt.genSaltSync(rounds) + '.'.repeat(31);
  }

  /** The hash to store. The caller has checked the password: NFKC, at most 72 bytes, no NUL. */
  hash(password: string, lane: Lane): Promise<string> {
    return this.#queues[lane].run(() => bcrypt.hash(password, this.#rounds));
  }

  /**
   * Whether the password has this hash, in any Unicode form that a keyboard may send. Without a hash, or with one
   * that no password has: false, after the same time.
   */
  async matches(password: string, hash: string | undefined, lane: Lane): Promise<boolean> {
    for (const form of formsOf(password)) if (await this.#matchesAsIs(form, hash, lane)) return true;
    return false;
  }

  #matchesAsIs(password: string, hash: string | undefined, lane: Lane): Promise<boolean> {
    const readable = Buffer.byteLength(password) <= BYTES_MAX && !password.includes('\0');
    return this.#queues[lane].run(
      async () => (await bcrypt.compare(password, hash?.startsWith('$') === true ? hash : this.#nobody)) && readable,
    );
  }
}

class Queue {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= WAITING_MAX)
        throw new ErrandError('unavailable', 'Too many log-ins at once: try again in a few seconds.', {
          retry_after_s: 5,
        });
      // The caller that finishes passes its slot on, so `#running` does not change.
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

/**
 * The forms that may have been hashed, without repeats: NFKC now, and once whatever form the client had sent. A text of
 * ASCII has one.
 */
function formsOf(password: string): Set<string> {
  return new Set([password.normalize('NFKC'), password, password.normalize('NFC'), password.normalize('NFD')]);
}
