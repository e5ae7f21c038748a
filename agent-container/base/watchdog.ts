/** Calls `onIdle` once nothing has touched it for `idle_ms`. It does not keep the process alive. */
export class Watchdog {
  readonly #idle_ms: number;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(idle_ms: number, onIdle: () => void) {
    this.#idle_ms = idle_ms;
    this.#onIdle = onIdle;
  }

  /** Starts the countdown, or starts it again. Cheap enough to call for every byte. */
  touch(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(this.#onIdle, this.#idle_ms).unref();
    else this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
