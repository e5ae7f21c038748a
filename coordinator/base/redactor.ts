import { isRedactable, maskOf } from '../../protocol/secret-values.ts';
import { jsonContent, secretForms } from './secret-forms.ts';
import { TextMatcher, type Match } from './text-matcher.ts';

/** What stands in place of a secret where its name would make the text too long. No secret is shorter. */
const SHORT_MASK = '[secret]';
/** The most that is held back of a stream. No secret is longer. */
const HELD_CHARS_MAX = 64 * 1024;
const MASK = /\[secret(?: \w{1,100})?\]/;

/** A secret: its value, and the name that its mask has. */
export type Secret = { name: string; value: string };

/**
 * Redacts secrets, in all their forms, from texts and from JSON values. Values that stand in ordinary text are left
 * (see `isRedactable`).
 */
export class Redactor {
  readonly #names: string[];
  readonly #forms: string[];
  readonly #texts: TextMatcher;
  /** The same forms as they stand in a JSON text. */
  readonly #json: TextMatcher;

  private constructor(forms: ReadonlyMap<string, string>) {
    this.#forms = [...forms.keys()];
    this.#names = [...forms.values()];
    this.#texts = new TextMatcher(this.#forms);
    this.#json = new TextMatcher(this.#forms.map(jsonContent));
  }

  /** Undefined: none of the secrets can be told from ordinary text. */
  static of(secrets: readonly Secret[]): Redactor | undefined {
    const forms = new Map<string, string>();
    for (const { name, value } of secrets)
      if (isRedactable(value)) for (const form of secretForms(value)) if (!forms.has(form)) forms.set(form, name);
    return forms.size === 0 ? undefined : new Redactor(forms);
  }

  /** Whether a string in this JSON text may have a secret. The text must be as `JSON.stringify` writes it. */
  isIn(json: string): boolean {
    return this.#json.test(json);
  }

  /** Replaces each secret by its mask. `short`: by one that makes no text longer. */
  redact(text: string, short = false): string {
    let [redacted, copied] = ['', 0];
    for (const { start, end, index } of merged(this.#texts.matches(text))) {
      redacted += text.slice(copied, start) + (short ? SHORT_MASK : maskOf(this.#names[index] ?? ''));
      copied = end;
    }
    return copied === 0 ? text : redacted + text.slice(copied);
  }

  /** Redacts all strings and keys of a JSON value. Returns the value itself if it has no secret. */
  redactValue<T>(value: T, short?: boolean): T;
  redactValue(value: unknown, short = false): unknown {
    if (typeof value === 'string') return this.redact(value, short);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      const items = value.map((item: unknown) => this.redactValue(item, short));
      return items.some((item, i) => item !== value[i]) ? items : value;
    }
    const entries = Object.entries(value).map(([key, inner]: [string, unknown]): [string, unknown, boolean] => {
      const [new_key, new_inner] = [this.redact(key, short), this.redactValue(inner, short)];
      return [new_key, new_inner, new_key !== key || new_inner !== inner];
    });
    return entries.some(([, , changed]) => changed) ? Object.fromEntries(entries) : value;
  }

  /**
   * Redacts the next part of a stream, whose parts may cut a secret anywhere. `held`: the end of `text` that may be the
   * first part of a secret. It is not in the result: it belongs before the next part.
   */
  redactPart(text: string): { redacted: string; held: string } {
    let cut = text.length - this.#forms.reduce((most, form) => Math.max(most, overlap(text, form)), 0);
    // A secret whose end may be the beginning of another one waits for that one.
    for (const { start, end } of merged(this.#texts.matches(text))) if (start < cut && cut < end) cut = start;
    if (text.length - cut > HELD_CHARS_MAX) cut = text.length;
    return { redacted: this.redact(text.slice(0, cut)), held: text.slice(cut) };
  }
}

/**
 * Whether `redacted` is `text` with masks in place of some parts of it. So it can be told without the secrets, which
 * may have changed since.
 */
export function isRedactionOf(redacted: string, text: string): boolean {
  const [first = '', ...parts] = redacted.split(MASK);
  const last = parts.pop();
  if (last === undefined) return redacted === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** Joins matches that overlap, and those of the same secret that touch each other. */
function* merged(matches: Iterable<Match>): Generator<Match> {
  let last: Match | undefined;
  for (const match of matches) {
    if (last && match.start <= last.end) last.end = Math.max(last.end, match.end);
    else {
      if (last) yield last;
      last = match;
    }
  }
  if (last) yield last;
}

/** The length of the longest end of `text` with which `word` begins, without the whole of it. */
function overlap(text: string, word: string): number {
  const first = word.charAt(0);
  for (
    let at = text.indexOf(first, Math.max(0, text.length - word.length + 1));
    at !== -1;
    at = text.indexOf(first, at + 1)
  )
    if (word.startsWith(text.slice(at))) return text.length - at;
  return 0;
}
