/** The style of a character. Colours are ANSI codes (31 to 36). */
export type Look = { bold: boolean; dim: boolean; color: number | undefined };
export type Cell = { character: string; look: Look };

const PLAIN: Look = { bold: false, dim: false, color: undefined };
// oxlint-disable-next-line no-control-regex -- control characters are what a terminal reads.
const PIECES = /\u001B\[([?\d;]*)([A-Za-z])|\r|\n|[^\u001B\r\n]+/g;

/** The part of a terminal that the command line uses: colours, wrapping, cursor up and clear to the end. */
export class Terminal {
  readonly #columns: number;
  #rows: Cell[][] = [[]];
  #row = 0;
  #column = 0;
  #look = PLAIN;
  #wraps = true;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** All rows, including those that have scrolled off. */
  get rows(): readonly (readonly Cell[])[] {
    return this.#rows;
  }

  get text(): string {
    return this.#rows.map((row) => row.map(({ character }) => character).join('')).join('\n');
  }

  write(output: string): void {
    for (const [piece, values = '', command] of output.matchAll(PIECES)) {
      if (command !== undefined) this.#run(command, values);
      else if (piece === '\r') this.#column = 0;
      else if (piece === '\n') this.#feed();
      else for (const character of piece) this.#put(character);
    }
  }

  #run(command: string, values: string): void {
    if (command === 'm') for (const value of values.split(';')) this.#style(Number(value));
    else if (command === 'A') this.#row = Math.max(0, this.#row - Number(values || 1));
    else if (command === 'J') {
      this.#rows.length = this.#row + 1;
      this.#rows[this.#row]?.splice(this.#column);
    } else if (values === '?7') this.#wraps = command === 'h';
  }

  #style(value: number): void {
    if (value === 0) this.#look = PLAIN;
    else if (value === 1) this.#look = { ...this.#look, bold: true };
    else if (value === 2) this.#look = { ...this.#look, dim: true };
    else if (value === 22) this.#look = { ...this.#look, bold: false, dim: false };
    else if (value >= 30 && value <= 39) this.#look = { ...this.#look, color: value === 39 ? undefined : value };
  }

  #put(character: string): void {
    if (this.#column >= this.#columns) {
      if (!this.#wraps) return;
      this.#feed();
      this.#column = 0;
    }
    const row = (this.#rows[this.#row] ??= []);
    row[this.#column++] = { character, look: this.#look };
  }

  #feed(): void {
    this.#row++;
    this.#rows[this.#row] ??= [];
  }
}
