const HEAD_CHARS = 12_000;
const TAIL_CHARS = 18_000;

/** Keeps the first and the last characters of a growing text, in bounded memory. */
export class HeadAndTail {
  #head = '';
  #tail = '';
  #dropped_chars = 0;

  push(text: string): void {
    const room = HEAD_CHARS - this.#head.length;
    this.#head += text.slice(0, room);
    this.#tail += text.slice(room);
    if (this.#tail.length > 2 * TAIL_CHARS) this.#trim();
  }

  /** How many characters `toString` leaves out. */
  get omitted_chars(): number {
    return this.#dropped_chars + Math.max(0, this.#tail.length - TAIL_CHARS);
  }

  /** The head, a line that says how much is missing, and the tail. */
  toString(): string {
    this.#trim();
    const gap = this.#dropped_chars === 0 ? '' : `\n[… ${this.#dropped_chars} characters left out …]\n`;
    return `${this.#head}${gap}${this.#tail}`.toWellFormed();
  }

  #trim(): void {
    const extra = this.#tail.length - TAIL_CHARS;
    if (extra <= 0) return;
    this.#dropped_chars += extra;
    this.#tail = this.#tail.slice(extra);
  }
}

/** The head and the tail of a complete text. */
export function headAndTail(text: string): string {
  const kept = new HeadAndTail();
  kept.push(text);
  return kept.toString();
}

/** Cuts the middle out of a text that is longer than `chars_max`, and says in its place how much is missing. */
export function cutMiddle(text: string, chars_max: number): string {
  if (text.length <= chars_max) return text;
  const half = Math.max(0, Math.floor(chars_max / 2) - 20);
  const omitted = text.length - 2 * half;
  return `${text.slice(0, half)}\n[… ${omitted} characters …]\n${text.slice(text.length - half)}`.toWellFormed();
}
