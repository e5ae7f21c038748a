import { fold } from './fold.ts';
import { paint, type Line } from './line.ts';

type Terminal = Pick<NodeJS.WriteStream, 'write'> & { columns?: number; rows?: number };

const DRAW_MS = 60;
/** Lines below the log are cut at the terminal's edge rather than wrapped, so that their number is known when they are taken away. */
const NO_WRAP = '\u001B[?7l';
const WRAP = '\u001B[?7h';

/** A log that grows, and below it a few lines that show how things stand now: drawn anew in place, and gone at the end. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #color: boolean;
  readonly #footer: (size: { columns: number; rows: number }) => Line[];
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `footer` is asked for the lines below each time that they are drawn. */
  constructor(terminal: Terminal, color: boolean, footer: (size: { columns: number; rows: number }) => Line[]) {
    this.#terminal = terminal;
    this.#color = color;
    this.#footer = footer;
  }

  /** Adds lines to the log, for good. */
  print(lines: readonly Line[]): void {
    const folded = lines.flatMap((line) => fold(line, this.#terminal.columns ?? 80));
    const text = folded.map((line) => `${paint(line, this.#color)}\n`).join('');
    this.#terminal.write(this.#erase() + text + this.#draw());
  }

  /** Draws the lines below anew, soon: many calls are one drawing. */
  refresh(): void {
    this.#timer ??= setTimeout(() => this.print([]), DRAW_MS);
  }

  /** Takes the lines below away. */
  close(): void {
    clearTimeout(this.#timer);
    this.#terminal.write(this.#erase());
  }

  #erase(): string {
    const erase = this.#drawn === 0 ? '' : `\u001B[${this.#drawn}A\r\u001B[J`;
    this.#drawn = 0;
    return erase;
  }

  #draw(): string {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { columns = 80, rows = 24 } = this.#terminal;
    // All of them must be on the screen: what has scrolled off cannot be taken away.
    const lines = this.#footer({ columns, rows }).slice(-Math.max(1, rows - 2));
    this.#drawn = lines.length;
    return lines.length === 0
      ? ''
      : `${NO_WRAP}${lines.map((line) => `${paint(line, this.#color)}\n`).join('')}${WRAP}`;
  }
}
