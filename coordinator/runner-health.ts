import type { Logger } from 'pino';
import type { Runner } from './runner.ts';

const RECHECK_FIRST_MS = 1_000;
const RECHECK_MAX_MS = 30_000;

/**
 * Whether the runner can start workers. While it cannot, tasks wait in the queue, rather than fail one after the other, and the runner is
 * asked again from time to time.
 */
export class RunnerHealth {
  readonly #runner: Runner;
  readonly #logger: Logger;
  readonly #onRecovery: () => void;
  #fault: string | null = null;
  #checking = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #wait_ms = RECHECK_FIRST_MS;

  /** `onRecovery` is called each time that the runner can start workers again. */
  constructor(runner: Runner, logger: Logger, onRecovery: () => void) {
    this.#runner = runner;
    this.#logger = logger;
    this.#onRecovery = onRecovery;
  }

  /** What keeps workers from being started, in words, or null. */
  get fault(): string | null {
    return this.#fault;
  }

  /** Asks the runner: at the start, and whenever a worker could not be started. Never rejects. */
  async check(): Promise<void> {
    if (this.#checking || this.#stopped) return;
    this.#checking = true;
    clearTimeout(this.#timer);
    const before = this.#fault;
    this.#fault = await this.#runner.check().catch((error: unknown) => {
      this.#logger.error({ err: error }, 'the runner could not be checked');
      return 'The runner could not be checked.';
    });
    this.#checking = false;
    if (this.#stopped) return;
    if (this.#fault !== null) {
      if (before !== this.#fault) this.#logger.error({ fault: this.#fault }, 'no worker can be started');
      this.#timer = setTimeout(() => void this.check(), this.#wait_ms);
      this.#wait_ms = Math.min(this.#wait_ms * 2, RECHECK_MAX_MS);
      return;
    }
    this.#wait_ms = RECHECK_FIRST_MS;
    if (before === null) return;
    this.#logger.info('workers can be started again');
    this.#onRecovery();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
