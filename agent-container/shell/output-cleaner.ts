import { stripVTControlCharacters } from 'node:util';
import type { Secrets } from '../base/secrets.ts';

/** An escape sequence that has not ended within this many characters is not one. */
const ESCAPE_CHARS_MAX = 64;
const ESC = '\u001B';
const BELL = '\u0007';

/** Turns a command's bytes into readable text as they arrive: decoded, without escape sequences, secrets redacted. */
export class OutputCleaner {
  readonly #decoder = new TextDecoder();
  readonly #secrets: Secrets;
  #held = '';

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** The text that is ready. What may be half of a character, an escape sequence or a secret is held back. */
  push(bytes: Uint8Array): string {
    return this.#release(this.#decoder.decode(bytes, { stream: true }), false);
  }

  /** The text that was held back. */
  end(): string {
    return this.#release(this.#decoder.decode(), true);
  }

  #release(text: string, all: boolean): string {
    const raw = this.#held + text;
    const escape_at = all ? raw.length : openEscapeAt(raw);
    const plain = stripVTControlCharacters(raw.slice(0, escape_at));
    const { clean, open } = all
      ? { clean: this.#secrets.redact(plain), open: '' }
      : this.#secrets.redactBeginning(plain);
    this.#held = open + raw.slice(escape_at);
    return clean;
  }
}

/** Where an incomplete escape sequence begins; the text's length if there is none. */
function openEscapeAt(text: string): number {
  const at = text.lastIndexOf(ESC);
  if (at === -1 || text.length - at > ESCAPE_CHARS_MAX) return text.length;
  const rest = text.slice(at + 1);
  // A control sequence (`ESC [ numbers`) ends with a letter, a window title (`ESC ]`) with a bell.
  const is_open = /^(\[[0-9;:?]*)?$/.test(rest) || (rest.startsWith(']') && !rest.includes(BELL));
  return is_open ? at : text.length;
}
