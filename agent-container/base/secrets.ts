import { tellingLines } from '../../protocol/secrets/secret-forms.ts';
import { isRedactable, maskOf } from '../../protocol/secrets/secret-values.ts';
import { TextMatcher, type Covered } from '../../protocol/secrets/text-matcher.ts';
import type { Assignment } from '../../protocol/worker-schemas.ts';

/** Redacts the secret variables of a project from what the model reads and the log stores. */
export class Secrets {
  /** The secrets that can be told from ordinary text, and such lines of them. */
  readonly values: readonly [value: string, name: string][];
  /** How many characters the first part of a secret has at most. */
  readonly part_chars_max: number;
  readonly #matcher: TextMatcher;

  constructor({ env, secrets = Object.keys(env) }: Pick<Assignment, 'env' | 'secrets'>) {
    const whole = secrets
      .map((name): [value: string, name: string] => [env[name] ?? '', name])
      .filter(([value]) => isRedactable(value));
    const lines = whole.flatMap(([value, name]) => tellingLines(value).map((line): [string, string] => [line, name]));
    this.values = [...new Map([...lines, ...whole])];
    this.part_chars_max = Math.max(0, ...this.values.map(([value]) => value.length - 1));
    this.#matcher = new TextMatcher(this.values.map(([value]) => value));
  }

  /** Replaces each secret by its name. The text keeps its number of lines. */
  redact(text: string): string {
    return this.#mask(text, this.#find(text).parts);
  }

  /**
   * Redacts the beginning of a longer text. `open`: its end as it is, which may be the first part of a secret: pass it
   * in front of what follows.
   */
  redactBeginning(text: string): { clean: string; open: string } {
    const { parts, open } = this.#find(text);
    let cut = text.length - open;
    // A line of a secret may be found where the whole secret is still open: they are decided together.
    for (const { start, end } of parts) if (start < cut && cut < end) cut = start;
    const before = parts.filter(({ end }) => end <= cut);
    return { clean: this.#mask(text.slice(0, cut), before), open: text.slice(cut) };
  }

  /** The name of a secret whose mask is in this text; undefined: there is none. */
  findMask(text: string): string | undefined {
    return this.values.find(([, name]) => text.includes(maskOf(name)))?.[1];
  }

  /** Most texts have no secret. Of these only the end is looked at by the character, for what is open. */
  #find(text: string): { parts: Covered[]; open: number } {
    if (this.values.some(([value]) => text.includes(value))) return this.#matcher.cover(text);
    return this.#matcher.cover(text.slice(Math.max(0, text.length - this.part_chars_max)));
  }

  #mask(text: string, parts: readonly Covered[]): string {
    let [redacted, copied] = ['', 0];
    for (const { start, end, index } of parts) {
      const line_ends = '\n'.repeat(text.slice(start, end).split('\n').length - 1);
      redacted += text.slice(copied, start) + maskOf(this.values[index]?.[1] ?? '') + line_ends;
      copied = end;
    }
    return redacted + text.slice(copied);
  }
}
