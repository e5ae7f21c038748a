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
    const lines = text.split('\n');
    const rest = lines.pop() ?? '';
    let ready = '';
    for (const line of lines) {
      this.#line += line;
      ready += `${this.end()}\n`;
    }
    this.#line += rest;
    if (rest.includes('\r')) this.#line = afterReturns(this.#line);
    return this.#line.length > LINE_CHARS_MAX ? ready + this.end() : ready;
  }

  /** The last line, which has no end. */
  end(): string {
    const line = withoutReturnsAtEnd(afterReturns(this.#line));
    this.#line = '';
    return line.includes('\b') ? overwritten(line) : line;
  }
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
