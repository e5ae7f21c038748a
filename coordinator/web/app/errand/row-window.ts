/** So many rows are in the page at most; so many at first; and so many come and go at an end. */
export const ROWS_MAX = 400;
const ROWS_FIRST = 200;
export const ROWS_STEP = 20;

type Row = { readonly key: string };

/**
 * The part of a long list that is in the page. It is counted from a row that it knows by its key, since rows come at
 * both ends: earlier ones above, new ones below.
 */
export class RowWindow {
  /** The row that it is counted from. Undefined: it is the end of the list. */
  #key: string | undefined;
  #index = 0;
  /** How many rows above that row it is to begin. Those that are not there yet may still come. */
  #above = 0;

  /** Which rows are in the page: from `from` to before `end`. `follows`: the reader is at the end of the list. */
  of(rows: readonly Row[], follows: boolean): { from: number; end: number } {
    const place = this.#place(rows);
    const wanted = this.#begin(rows, place);
    const is_long = wanted < rows.length - ROWS_MAX;
    if (follows && (place === undefined || is_long)) {
      this.toEnd();
      return { from: Math.max(0, rows.length - ROWS_FIRST), end: rows.length };
    }
    const from = Math.max(0, wanted);
    this.#key = rows[from]?.key;
    this.#index = from;
    this.#above = from - wanted;
    return { from, end: Math.min(rows.length, from + ROWS_MAX) };
  }

  /** Begins earlier: as many rows go at the end. */
  earlier(): void {
    this.#above = ROWS_STEP;
  }

  /** Begins later: as many rows come at the end. */
  later(): void {
    this.#above = -ROWS_STEP;
  }

  /** Begins with the first row of all: those that come in front of it, too. */
  toBeginning(): void {
    this.#above = Infinity;
  }

  toEnd(): void {
    this.#key = undefined;
    this.#above = 0;
  }

  /** Where the row is that it is counted from. Undefined: there is none, or it has gone or become part of another. */
  #place(rows: readonly Row[]): number | undefined {
    if (this.#key === undefined) return undefined;
    if (rows[this.#index]?.key === this.#key) return this.#index;
    const found = rows.findIndex(({ key }) => key === this.#key);
    return found < 0 ? undefined : found;
  }

  /** The row that it is to begin with; below zero if that one is not there yet. */
  #begin(rows: readonly Row[], place: number | undefined): number {
    if (this.#key === undefined) return Math.max(0, rows.length - ROWS_FIRST) - this.#above;
    const index = place ?? Math.min(this.#index, rows.length);
    const last = Math.max(index, rows.length - ROWS_MAX);
    return Math.min(index - this.#above, last);
  }
}
