import type { IncomingMessage } from 'node:http';
import { LIMITS } from '../../protocol/limits.ts';
import { ByteBudget } from '../base/byte-budget.ts';
import { checkWith } from '../base/check-body.ts';
import { discardBody, readBody } from '../base/json-body.ts';
import type { Job, ThreadPool } from '../base/threads.ts';

/** How long a worker may take to send a body, beside what a slow line takes for it. */
const READ_MS = 30_000;
/** How much of a body that was refused is still read, and for how long, so that the worker gets to read why. */
const DISCARD = { bytes_max: 32 * 1024 * 1024, ms: 10_000 };
/** The part of a CPU that the bodies of one task may take in the long run. */
const TIME_SHARE = 0.25;

/** Reads the bodies of workers' calls, and sees to it that no task's bodies hold up the others. */
export class BodyReader {
  readonly #threads: ThreadPool;
  readonly #bytes_max: number;
  readonly #budget: ByteBudget;

  constructor(threads: ThreadPool, limits: { bytes_max: number; bytes_per_s: number; burst_bytes: number }) {
    const { bytes_max, ...rate } = limits;
    this.#threads = threads;
    this.#bytes_max = bytes_max;
    this.#budget = new ByteBudget({ ...rate, time_share: TIME_SHARE });
  }

  /**
   * Reads a call's body, and passes it to `job`. Resolves with the result, and with the body. Rejects as `receive` and
   * `check` do.
   */
  async read<T>(request: IncomingMessage, key: string, job: Job<[], T>): Promise<{ value: T; bytes: Buffer }> {
    return this.check(await this.receive(request, key), key, job);
  }

  /** Reads a call's body. Rejects as `readBody` does. The connection is cut then if its rest does not come soon. */
  async receive(request: IncomingMessage, key: string): Promise<Buffer> {
    const pace = { read_ms: READ_MS, bytes_per_s_min: LIMITS.worker_bytes_per_s_min };
    const limits = { bytes_max: this.#bytes_max, ...pace, budget: this.#budget, key };
    return readBody(request, limits).catch((error: unknown) => {
      void discardRest(request);
      throw error;
    });
  }

  /**
   * Passes a body to `job`, in another thread if it is large. Resolves with the result, and with the body, which may
   * have moved. Rejects as the job does.
   */
  async check<A extends unknown[], T>(
    bytes: Buffer,
    key: string,
    job: Job<A, T>,
    ...args: A
  ): Promise<{ value: T; bytes: Buffer }> {
    const charge = (ms: number) => this.#budget.spendTime(key, ms);
    return checkWith(this.#threads, { key, charge })(bytes, job, ...args);
  }
}

async function discardRest(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  await discardBody(request, DISCARD);
  if (!request.complete) request.destroy();
}
