/** So much of two texts is compared: either may have come cut. */
const COMPARED_CHARS = 120;

/** What the person was told in lines of the log. The agent is told the same after it, which need not show twice. */
export class Echoes {
  readonly #told = new Set<string>();

  /** Takes a line of the log. */
  add(text: string): void {
    if (text !== '') this.#told.add(text.slice(0, COMPARED_CHARS));
  }

  /** Whether a note to the agent says what such a line said, and perhaps more on the lines after it. */
  isEcho(note: string): boolean {
    const start = note.replace(/^\[Errand\] /, '').slice(0, COMPARED_CHARS);
    for (let end = start.length; end > 0; end = start.lastIndexOf('\n', end - 1))
      if (this.#told.has(start.slice(0, end))) return true;
    return false;
  }
}
