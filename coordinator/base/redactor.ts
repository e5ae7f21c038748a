import type { Automaton } from '../../protocol/secrets/automaton.ts';
import { formsOf, type Secret } from '../../protocol/secrets/secret-forms.ts';
import { isRedactable, maskOf } from '../../protocol/secrets/secret-values.ts';
import { TextMatcher, type Covered } from '../../protocol/secrets/text-matcher.ts';

/** What stands in place of a secret where its name would make the text too long. No secret is shorter. */
const SHORT_MASK = '[secret]';
/** The most that is held back of a stream. No secret is longer. */
const HELD_CHARS_MAX = 64 * 1024;

/** All that a redactor consists of. It can be sent to another thread: most of it is shared memory. */
export type RedactorData = { names: string[]; automaton: Automaton };

/**
 * Redacts secrets, in all their forms, from texts and from JSON values, in one pass over them. Values that stand in
 * ordinary text are left (see `isRedactable`).
 */
export class Redactor {
  readonly data: RedactorData;
  readonly #texts: TextMatcher;

  /** `data`: of a redactor that `of` made, perhaps in another thread. */
  constructor(data: RedactorData) {
    this.data = data;
    this.#texts = new TextMatcher(data.automaton);
  }

  /** Undefined: none of the secrets can be told from ordinary text. */
  static of(secrets: readonly Secret[]): Redactor | undefined {
    const forms = formsOf(secrets.filter(({ value }) => isRedactable(value)));
    if (forms.size === 0) return undefined;
    return new Redactor({ names: [...forms.values()], automaton: new TextMatcher([...forms.keys()]).automaton });
  }

  /** What this redactor takes: about 14 bytes for each. */
  get nodes(): number {
    return this.data.automaton.label.length;
  }

  /** Replaces each secret by its mask. `short`: by one that makes no text longer. */
  redact(text: string, short = false): string {
    return this.#mask(text, this.#texts.cover(text).parts, short);
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
   * first part of a secret. `redacted` leaves it out: pass it in front of the next part.
   */
  redactPart(text: string): { redacted: string; held: string } {
    const { parts, open } = this.#texts.cover(text);
    let cut = text.length - open;
    // A secret whose suffix may begin another one is held back with that one.
    for (const { start, end } of parts) if (start < cut && cut < end) cut = start;
    if (text.length - cut > HELD_CHARS_MAX) cut = text.length;
    const before = parts.filter(({ end }) => end <= cut);
    return { redacted: this.#mask(text.slice(0, cut), before, false), held: text.slice(cut) };
  }

  #mask(text: string, parts: readonly Covered[], short: boolean): string {
    let [redacted, copied] = ['', 0];
    for (const { start, end, index } of parts) {
      redacted += text.slice(copied, start) + (short ? SHORT_MASK : maskOf(this.data.names[index] ?? ''));
      copied = end;
    }
    return copied === 0 ? text : redacted + text.slice(copied);
  }
}
