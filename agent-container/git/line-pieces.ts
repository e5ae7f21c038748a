/** A longer line is given in pieces, which overlap so that no secret falls between two. */
const LINE_CHARS_MAX = 1 << 20;
const OVERLAP_CHARS = 8192;

/** Gives a text that comes in parts line by line. */
export class LinePieces {
  readonly #take: (text: string, is_continued: boolean) => void;
  #rest = '';
  /** Whether `#rest` continues a line of which a piece was given. */
  #is_continued = false;

  /** `take`: gets each line without its end, or the next piece of one. */
  constructor(take: (text: string, is_continued: boolean) => void) {
    this.#take = take;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.#take(line, this.#is_continued);
      this.#is_continued = false;
    }
    if (this.#rest.length <= LINE_CHARS_MAX) return;
    this.#take(this.#rest, this.#is_continued);
    this.#is_continued = true;
    this.#rest = this.#rest.slice(-OVERLAP_CHARS);
  }

  /** The text ends here, whether or not its last line does. */
  end(): void {
    this.push('\n');
  }
}
