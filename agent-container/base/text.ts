import { stripVTControlCharacters } from 'node:util';

/** What is shown of a long text: its first and its last characters. */
const HEAD_CHARS = 12_000;
const TAIL_CHARS = 18_000;
/** An escape sequence that has not ended within this many characters is none. */
const ESCAPE_CHARS_MAX = 64;
/** A shorter value is no secret, and would make ordinary text unreadable. */
const SECRET_CHARS_MIN = 6;
const ESC = '\u001B';
const BELL = '\u0007';

/** Keeps the values of a project's secrets out of what the model reads and the log keeps. */
export class Secrets {
  readonly #values: [value: string, name: string][];
  /** How many characters a piece of text must hold back, lest a secret goes out in two halves. */
  readonly held_chars: number;

  constructor(env: Record<string, string>) {
    this.#values = Object.entries(env)
      .filter(([, value]) => value.length >= SECRET_CHARS_MIN)
      .map(([name, value]): [string, string] => [value, name])
      .sort(([a], [b]) => b.length - a.length);
    this.held_chars = Math.max(0, (this.#values[0]?.[0].length ?? 0) - 1);
  }

  /** The text with each secret's name in place of its value. */
  redact(text: string): string {
    return this.#values.reduce((rest, [value, name]) => rest.replaceAll(value, `[secret ${name}]`), text);
  }
}

/** Makes readable text of a command's bytes as they come: decoded, without escape sequences, without secrets. */
export class TextCleaner {
  readonly #decoder = new TextDecoder();
  readonly #secrets: Secrets;
  #held = '';

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** What can be shown so far; the rest is held back until it is known what it is. */
  push(bytes: Uint8Array): string {
    return this.#release(this.#decoder.decode(bytes, { stream: true }), false);
  }

  /** What was held back. */
  end(): string {
    return this.#release(this.#decoder.decode(), true);
  }

  #release(text: string, all: boolean): string {
    const raw = this.#held + text;
    const open = all ? raw.length : openEscape(raw);
    const clean = this.#secrets.redact(stripVTControlCharacters(raw.slice(0, open)));
    const cut = all ? clean.length : Math.max(0, clean.length - this.#secrets.held_chars);
    this.#held = clean.slice(cut) + raw.slice(open);
    return clean.slice(0, cut);
  }
}

/** Where an escape sequence begins that is not complete; the text's end where there is none. */
function openEscape(text: string): number {
  const at = text.lastIndexOf(ESC);
  if (at === -1 || text.length - at > ESCAPE_CHARS_MAX) return text.length;
  const rest = text.slice(at + 1);
  // A bracket with numbers goes on until a letter; a window's title until the bell.
  const goesOn = /^(\[[0-9;:?]*)?$/.test(rest) || (rest.startsWith(']') && !rest.includes(BELL));
  return goesOn ? at : text.length;
}

/** Keeps the head and the tail of a text that grows, within a fixed memory. */
export class HeadAndTail {
  #head = '';
  #tail = '';
  #left_out = 0;

  push(text: string): void {
    const room = HEAD_CHARS - this.#head.length;
    this.#head += text.slice(0, room);
    this.#tail += text.slice(room);
    if (this.#tail.length > 2 * TAIL_CHARS) this.#shorten();
  }

  /** How many characters are not shown. */
  get left_out(): number {
    return this.#left_out + Math.max(0, this.#tail.length - TAIL_CHARS);
  }

  /** The head, a line that says how much is missing, and the tail. */
  toString(): string {
    this.#shorten();
    const gap = this.#left_out === 0 ? '' : `\n[… ${this.#left_out} characters left out …]\n`;
    return `${this.#head}${gap}${this.#tail}`.toWellFormed();
  }

  #shorten(): void {
    const extra = this.#tail.length - TAIL_CHARS;
    if (extra <= 0) return;
    this.#left_out += extra;
    this.#tail = this.#tail.slice(extra);
  }
}

/** The head and the tail of a text that is there already. */
export function headAndTail(text: string): string {
  const kept = new HeadAndTail();
  kept.push(text);
  return kept.toString();
}

/** Words for a time: `340 ms`, `2.4 s`, `3 min 5 s`. */
export function inWords(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
