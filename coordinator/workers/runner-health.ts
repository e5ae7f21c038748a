import type { Logger } from 'pino';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Runner } from './runner.ts';

const RECHECK_FIRST_MS = 1_000;
const RECHECK_MAX_MS = 30_000;

/**
 * Asks the runner whether it can start workers. While it cannot, tasks wait in the queue, rather than fail one after the other, and it is asked
 * again from time to time.
 */
export class RunnerHealth {
  readonly #runner: Runner;
  readonly #gate: DispatchGate;
  readonly #logger: Logger;
  #checking = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #wait_ms = RECHECK_FIRST_MS;

  constructor(runner: Runner, gate: DispatchGate, logger: Logger) {
    this.#runner = runner;
    this.#gate = gate;
    this.#logger = logger;
  }

  /** Asks the runner: at the start, and whenever a worker could not be started. Never rejects. */
  async check(): Promise<void> {
    if (this.#checking || this.#stopped) return;
    this.#checking = true;
    clearTimeout(this.#timer);
    const fault = await this.#runner.check().catch((error: unknown) => {
      this.#logger.error({ err: error }, 'the runner could not be checked');
      return 'The runner could not be checked.';
    });
    this.#checking = false;
    if (this.#stopped) return;
    this.#gate.set('runner', fault);
    if (fault === null) {
      this.#wait_ms = RECHECK_FIRST_MS;
      return;
    }
    this.#timer = setTimeout(() => void this.check(), this.#wait_ms);
    this.#wait_ms = Math.min(this.#wait_ms * 2, RECHECK_MAX_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
