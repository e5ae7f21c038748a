/** So much of two texts is the same at once, or they are others. */
const BEGINNING_CHARS = 120;

/** What the person was told in lines of the log. The agent is told the same after it, which need not show twice. */
export class Echoes {
  readonly #told = new Map<string, string[]>();

  /** Takes a line of the log. */
  add(text: string): void {
    if (text === '') return;
    const beginning = text.slice(0, BEGINNING_CHARS);
    const same = this.#told.get(beginning);
    if (same) same.push(text);
    else this.#told.set(beginning, [text]);
  }

  /** Whether a note to the agent says what such a line said, and perhaps more on the lines after it. */
  isEcho(note: string): boolean {
    const text = note.replace(/^\[Errand\] /, '');
    const start = text.slice(0, BEGINNING_CHARS);
    for (let end = start.length; end > 0; end = start.lastIndexOf('\n', end - 1))
      if (this.#told.get(start.slice(0, end))?.some((told) => agree(told, text)) === true) return true;
    return false;
  }
}

/** Whether one text is the beginning of the other: either may have come cut. */
function agree(one: string, other: string): boolean {
  const [a, b] = [withoutMark(one), withoutMark(other)];
  return a.startsWith(b) || b.startsWith(a);
}

/** A text that came cut, without the mark of that. */
const withoutMark = (text: string): string => text.replace(/…$/, '');
