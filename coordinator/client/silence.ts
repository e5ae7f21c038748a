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

  /** Something has come. */
  break(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#over.abort(new DOMException('Nothing comes.', 'TimeoutError')), this.#ms);
  }

  /** Waits no more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
