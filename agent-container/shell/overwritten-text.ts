/** A longer line is given in parts. */
const LINE_CHARS_MAX = 64 * 1024;

/**
 * Leaves only the last state of each line: a progress bar returns to the start of its line (`\r`), and a spinner goes
 * back (`\b`), to overwrite what is there. The text may come in any pieces.
 */
export class OverwrittenText {
  #line = '';

  /** The lines that are complete. */
  push(text: string): string {
    const end = text.lastIndexOf('\n') + 1;
    const rest = text.slice(end);
    const ready = end === 0 ? '' : this.#lines(text.slice(0, end));
    this.#line += rest;
    if (rest.includes('\r')) this.#line = afterReturns(this.#line);
    return this.#line.length > LINE_CHARS_MAX ? ready + this.end() : ready;
  }

  /** The last states of lines that are complete, with what came before of the first. */
  #lines(text: string): string {
    const whole = this.#line + text;
    this.#line = '';
    // Most output has none, and there may be millions of lines.
    if (!whole.includes('\r') && !whole.includes('\b')) return whole;
    return whole.replace(/[^\n]*/g, lastState);
  }

  /** The last line, which has no end. */
  end(): string {
    const line = this.#line;
    this.#line = '';
    return lastState(line);
  }
}

function lastState(line: string): string {
  const shown = withoutReturnsAtEnd(afterReturns(line));
  return shown.includes('\b') ? overwritten(shown) : shown;
}

/** What follows the last return that something follows. */
function afterReturns(line: string): string {
  return line.slice(withoutReturnsAtEnd(line).lastIndexOf('\r') + 1);
}

function withoutReturnsAtEnd(line: string): string {
  let end = line.length;
  while (line[end - 1] === '\r') end--;
  return line.slice(0, end);
}

function overwritten(line: string): string {
  const shown: string[] = [];
  let at = 0;
  for (const char of line) {
    if (char === '\b') at = Math.max(0, at - 1);
    else shown[at++] = char;
  }
  return shown.join('');
}
