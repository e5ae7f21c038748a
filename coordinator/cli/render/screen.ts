import { fold } from './fold.ts';
import { paint, type Line } from './line.ts';
import { columnsOf } from './text.ts';

type Terminal = Pick<NodeJS.WriteStream, 'write'> & { columns?: number; rows?: number };

const DRAW_MS = 60;
/** What is left of a word longer than a line is cut, not wrapped: `#erase` has to know how many lines there are. */
const NO_WRAP = '\u001B[?7l';
const WRAP = '\u001B[?7h';

/** A growing log with a footer below it that is redrawn in place and removed at the end. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #color: boolean;
  readonly #footer: (size: { columns: number; rows: number }) => Line[];
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `footer` is called for each drawing. */
  constructor(terminal: Terminal, color: boolean, footer: (size: { columns: number; rows: number }) => Line[]) {
    this.#terminal = terminal;
    this.#color = color;
    this.#footer = footer;
  }

  /** Appends lines to the log. */
  print(lines: readonly Line[]): void {
    const folded = lines.flatMap((line) => fold(line, columnsOf(this.#terminal)));
    const text = folded.map((line) => `${paint(line, this.#color)}\n`).join('');
    this.#terminal.write(this.#erase() + text + this.#draw());
  }

  /** Redraws the footer soon; many calls cause one drawing. */
  refresh(): void {
    this.#timer ??= setTimeout(() => this.print([]), DRAW_MS);
  }

  /** Removes the footer. */
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
    const { rows = 24 } = this.#terminal;
    const columns = columnsOf(this.#terminal);
    // Lines that have scrolled off the screen cannot be erased.
    const lines = this.#footer({ columns, rows })
      .flatMap((line) => fold(line, columns))
      .slice(-Math.max(1, rows - 2));
    this.#drawn = lines.length;
    return lines.length === 0
      ? ''
      : `${NO_WRAP}${lines.map((line) => `${paint(line, this.#color)}\n`).join('')}${WRAP}`;
  }
}
