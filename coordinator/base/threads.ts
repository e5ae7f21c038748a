import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ErrandError, type ErrorCode, type FieldError } from '../../protocol/problem.ts';
import { within } from './deadline.ts';
import { sourcePath } from './source-path.ts';
import { errorCode } from './error-code.ts';

/**
 * A function that a thread can run. The thread finds it as the export `name` of a module, by its path from the root of
 * the checkout: also where the server itself runs from one bundled file. It takes bytes and further arguments, and
 * returns what structured clone can copy.
 */
export type Job<A extends unknown[], T> = {
  module: string;
  name: string;
  run: (bytes: Buffer, ...args: A) => T;
};

export type ThreadRequest = { job: { module: string; name: string }; bytes: ArrayBuffer; args: unknown[] };
type Refusal = { code: ErrorCode; message: string; errors?: FieldError[] };
export type Outcome = { value: unknown } | { refusal: Refusal } | { failure: unknown };
export type ThreadReply = { outcome: Outcome; bytes: ArrayBuffer; ms: number };

/** Makes a job, which its module must export under this name. `module`: such as `coordinator/base/x.ts`. */
export function job<A extends unknown[], T>(
  module: string,
  name: string,
  run: (bytes: Buffer, ...args: A) => T,
): Job<A, T> {
  return { module, name, run };
}

/** Whose job it is, and what is told its CPU time, also if it failed. */
export type Payer = { key: string; charge: (ms: number) => void };

type Waiting = { request: ThreadRequest; settle: (reply: ThreadReply | Error) => void; charge: Payer['charge'] };

export type ThreadLimits = {
  threads_max: number;
  /** A job that takes more CPU time is given up, with `too_large`, and its thread is ended. */
  job_ms: number;
  /** The heap of one thread. A job that needs more is given up in the same way. */
  heap_mb: number;
  /** The jobs that wait for a thread. */
  waiting_max: number;
  /** How long a thread without work is kept. */
  idle_ms: number;
};

/** On a busy machine a job may take this many times its CPU time. */
const WAITS_MAX = 12;
const LIMITS: ThreadLimits = { threads_max: 2, job_ms: 5_000, heap_mb: 512, waiting_max: 256, idle_ms: 30_000 };

/**
 * Runs work on large bodies outside the thread that serves requests. Threads start when they are needed. Each key,
 * such as a task, gets its turn: many jobs of one do not hold up the others.
 */
export class ThreadPool {
  readonly #limits: ThreadLimits;
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #idle = new Map<Worker, NodeJS.Timeout>();
  readonly #threads = new Set<Worker>();
  #waiting_count = 0;

  constructor(limits: Partial<ThreadLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /**
   * Resolves with the result, and with the bytes, which nobody else may use meanwhile. Rejects with what the job
   * throws, and with `unavailable` where too many jobs wait.
   */
  async run<A extends unknown[], T>(
    { key, charge }: Payer,
    job: Job<A, T>,
    bytes: Buffer,
    args: A,
  ): Promise<{ value: T; bytes: Buffer }> {
    if (this.#waiting_count >= this.#limits.waiting_max)
      throw new ErrandError('unavailable', 'The server has too many large requests at once.', { retry_after_s: 1 });
    const { module, name } = job;
    const request = { job: { module, name }, bytes: ownBuffer(bytes), args };
    const reply = await new Promise<ThreadReply | Error>((settle) => {
      this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), { request, settle, charge }]);
      this.#waiting_count += 1;
      this.#next();
    });
    if (reply instanceof Error) throw reply;
    const { outcome } = reply;
    if ('failure' in outcome) throw outcome.failure;
    if ('refusal' in outcome) {
      const { code, message, ...extra } = outcome.refusal;
      throw new ErrandError(code, message, extra);
    }
    // The thread ran this very function.
    return { value: outcome.value as T, bytes: Buffer.from(reply.bytes) };
  }

  /** Ends all threads. Jobs in progress are rejected. */
  async close(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  #next(): void {
    const thread = this.#waiting_count > 0 ? this.#takeThread() : undefined;
    const waiting = thread && this.#takeWaiting();
    if (thread && waiting) this.#start(thread, waiting);
  }

  #takeWaiting(): Waiting | undefined {
    const [first] = this.#waiting;
    if (!first) return undefined;
    const [key, [job, ...others]] = first;
    this.#waiting.delete(key);
    if (others.length > 0) this.#waiting.set(key, others);
    this.#waiting_count -= 1;
    return job;
  }

  #takeThread(): Worker | undefined {
    const [idle] = this.#idle.keys();
    if (idle) {
      clearTimeout(this.#idle.get(idle));
      this.#idle.delete(idle);
      return idle;
    }
    if (this.#threads.size >= this.#limits.threads_max) return undefined;
    const resourceLimits = { maxOldGenerationSizeMb: this.#limits.heap_mb };
    const thread = new Worker(sourcePath('coordinator/base/thread-main.ts'), { resourceLimits });
    // It must not keep a process alive that has nothing else to do.
    thread.unref();
    // A failure is that of the job; without one there is nobody to tell.
    thread.on('error', () => undefined);
    thread.once('exit', () => this.#forget(thread));
    this.#threads.add(thread);
    return thread;
  }

  #start(thread: Worker, { request, settle, charge }: Waiting): void {
    const started = performance.now();
    const job_ends = new AbortController();
    void this.#endWhenLate(thread, job_ends.signal);
    let failure: Error = new ErrandError('too_large', 'The body is too expensive to check.');
    const onMessage = (reply: ThreadReply) => end(reply);
    // Out of memory, or a thread that cannot start. The exit follows.
    const onError = (error: Error) => {
      if (errorCode(error) !== 'ERR_WORKER_OUT_OF_MEMORY') failure = error;
    };
    const onExit = () => end(failure);
    const end = (reply: ThreadReply | Error) => {
      job_ends.abort();
      charge(reply instanceof Error ? Math.min(performance.now() - started, this.#limits.job_ms) : reply.ms);
      thread.off('message', onMessage).off('error', onError).off('exit', onExit);
      if (this.#threads.has(thread)) this.#rest(thread);
      settle(reply);
      this.#next();
    };
    thread.on('message', onMessage).on('error', onError).on('exit', onExit);
    thread.postMessage(request, [request.bytes]);
  }

  /** Ends a thread whose job takes too much CPU time, or far too long. Never rejects. */
  async #endWhenLate(thread: Worker, job_ends: AbortSignal): Promise<void> {
    const { job_ms } = this.#limits;
    const before = cpuMs(thread);
    for (let waits = 1; ; waits++) {
      await delay(job_ms, undefined, { signal: job_ends }).catch(() => undefined);
      if (job_ends.aborted) return;
      // A thread that does not even say what it has used is inside a single long call.
      const used = waits < WAITS_MAX ? await within(job_ms, Promise.all([cpuMs(thread), before])) : undefined;
      if (job_ends.aborted) return;
      if (used === undefined || used[0] - used[1] >= job_ms) return void thread.terminate();
    }
  }

  #rest(thread: Worker): void {
    const drop = () => {
      this.#forget(thread);
      void thread.terminate();
    };
    this.#idle.set(thread, setTimeout(drop, this.#limits.idle_ms).unref());
  }

  #forget(thread: Worker): void {
    clearTimeout(this.#idle.get(thread));
    this.#idle.delete(thread);
    this.#threads.delete(thread);
  }
}

/** The CPU time of a thread so far; a thread that has ended used none. */
async function cpuMs(thread: Worker): Promise<number> {
  const { user, system } = await thread.cpuUsage().catch(() => ({ user: 0, system: 0 }));
  return (user + system) / 1000;
}

/** The memory of the bytes, if nothing else is in it; else a copy. */
function ownBuffer(bytes: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  const whole = buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength;
  return whole ? buffer : new Uint8Array(bytes).buffer;
}
