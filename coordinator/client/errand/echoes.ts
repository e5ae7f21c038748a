/** So much of two texts is compared: either may have come cut. */
const COMPARED_CHARS = 120;

/** What the person was told in lines of the log. The agent is told the same after it, which need not show twice. */
export class Echoes {
  readonly #told = new Set<string>();

  /** Takes a line of the log. */
  add(text: string): void {
    this.#told.add(text.slice(0, COMPARED_CHARS));
  }

  /** Whether a note to the agent begins with what such a line said. */
  isEcho(note: string): boolean {
    const text = note.replace(/^\[Errand\] /, '');
    return [...this.#told].some((told) => text.startsWith(told));
  }
}
