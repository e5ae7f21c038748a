import { within } from '../base/within.ts';
import type { WorkInput } from '../base/work.ts';

type Options = {
  checkpoint: WorkInput['checkpoint'];
  /** How long the work may go on without a checkpoint. */
  checkpoint_ms: number;
  /** How long the end of the work waits for the checkpoint that runs. */
  checkpoint_end_ms: number;
};

/** Commits and pushes work in progress from time to time, while the work goes on. One at a time. */
export class Checkpoints {
  readonly #options: Options;
  #due_at: number;
  #running: { done: Promise<void>; abort: AbortController } | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#due_at = performance.now() + options.checkpoint_ms;
  }

  /** Begins a checkpoint if it is time for one. */
  beginIfDue(): void {
    const { checkpoint, checkpoint_ms } = this.#options;
    if (this.#running !== undefined || performance.now() < this.#due_at) return;
    const abort = new AbortController();
    const done = checkpoint(abort.signal).finally(() => {
      this.#running = undefined;
      this.#due_at = performance.now() + checkpoint_ms;
    });
    this.#running = { done, abort };
  }

  /** Waits for the checkpoint that runs. One that takes too long is ended: the finished work is pushed instead. */
  async settle(): Promise<void> {
    if (this.#running === undefined) return;
    await within(this.#options.checkpoint_end_ms, this.#running.done);
    this.stop();
  }

  /** Ends the checkpoint that runs. */
  stop(): void {
    this.#running?.abort.abort();
  }
}
