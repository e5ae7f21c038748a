import bcrypt from 'bcrypt';
import { ErrandError } from '../../protocol/problem.ts';

/** bcrypt at this cost takes about a quarter of a second. */
const ROUNDS = 12;
/**
 * How many hashes of one lane run at once. They use the same few threads as file access and DNS, most of which must
 * stay free.
 */
const AT_ONCE = 1;
/** How many wait for one account or network. */
const WAITING_EACH_MAX = 8;
/** How many strangers wait in all. Those who are known are as few as the accounts. */
const STRANGERS_MAX = 32;
/** bcrypt ignores what follows these bytes or a NUL. */
const BYTES_MAX = 72;

/**
 * Where a hash waits. `known`: for whoever has shown before that the account is theirs. However many strangers guess,
 * they wait behind each other alone. `whose`: the account, or the network of a stranger.
 */
export type Place = { lane: Lane; whose: string };
export type Lane = 'known' | 'strangers';

/**
 * Hashes passwords with bcrypt, one at a time in each lane. Further callers wait, and the accounts and networks among
 * them take turns: who has many waiting delays only themselves. Past a limit callers are refused with `unavailable`.
 */
export class Passwords {
  readonly #rounds: number;
  readonly #nobody: string;
  readonly #queues: Record<Lane, Queue> = { known: new Queue(Infinity), strangers: new Queue(STRANGERS_MAX) };

  /** Only tests set `rounds`. */
  constructor(rounds = ROUNDS) {
    this.#rounds = rounds;
    // A hash that no password has: an unknown account takes as long as a wrong password.
    this.#nobody = bcrypt.genSaltSync(rounds) + '.'.repeat(31);
  }

  /** The hash to store. The caller has checked the password: NFKC, at most 72 bytes, no NUL. */
  hash(password: string, { lane, whose }: Place): Promise<string> {
    return this.#queues[lane].run(whose, () => bcrypt.hash(password, this.#rounds));
  }

  /**
   * Whether the password has this hash, in any Unicode form that a keyboard may send. Without a hash, or with one
   * that no password has: false, after the same time.
   */
  async matches(password: string, hash: string | undefined, place: Place): Promise<boolean> {
    for (const form of formsOf(password)) if (await this.#matchesAsIs(form, hash, place)) return true;
    return false;
  }

  #matchesAsIs(password: string, hash: string | undefined, { lane, whose }: Place): Promise<boolean> {
    const readable = Buffer.byteLength(password) <= BYTES_MAX && !password.includes('\0');
    return this.#queues[lane].run(
      whose,
      async () => (await bcrypt.compare(password, hash?.startsWith('$') === true ? hash : this.#nobody)) && readable,
    );
  }
}

class Queue {
  readonly #waiting_max: number;
  #running = 0;
  /** By whose they are. Those whose turn is next come first. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #count = 0;

  constructor(waiting_max: number) {
    this.#waiting_max = waiting_max;
  }

  async run<T>(whose: string, work: () => Promise<T>): Promise<T> {
    // The caller that finishes passes its slot on, so `#running` does not change.
    if (this.#running >= AT_ONCE) await this.#wait(whose);
    else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#takeNext();
      if (next) next();
      else this.#running--;
    }
  }

  #wait(whose: string): Promise<void> {
    const own = this.#waiting.get(whose) ?? [];
    if (own.length >= WAITING_EACH_MAX || this.#count >= this.#waiting_max)
      throw new ErrandError('unavailable', 'Too many log-ins at once: try again in a few seconds.', {
        retry_after_s: 5,
      });
    this.#count++;
    this.#waiting.set(whose, own);
    return new Promise((resolve) => own.push(resolve));
  }

  #takeNext(): (() => void) | undefined {
    for (const [whose, own] of this.#waiting) {
      const next = own.shift();
      this.#count--;
      this.#waiting.delete(whose);
      if (own.length > 0) this.#waiting.set(whose, own);
      return next;
    }
    return undefined;
  }
}

/**
 * The forms that may have been hashed, without repeats: NFKC now, and once whatever form the client had sent. A text of
 * ASCII has one.
 */
function formsOf(password: string): Set<string> {
  return new Set([password.normalize('NFKC'), password, password.normalize('NFC'), password.normalize('NFD')]);
}
