/** Notices when nothing has come for `ms`. */
export class Silence {
  readonly #ms: number;
  readonly #over = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number) {
    this.#ms = ms;
    this.break();
  }

  /** Aborts when it has lasted too long. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Something has come. `more_ms`: how much longer than usual the next may take. */
  break(more_ms = 0): void {
    clearTimeout(this.#timer);
    const abort = (): void => this.#over.abort(new DOMException('Nothing comes.', 'TimeoutError'));
    this.#timer = setTimeout(abort, this.#ms + more_ms);
  }

  /** Waits no more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
