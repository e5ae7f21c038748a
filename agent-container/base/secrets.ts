import { tellingLines } from '../../protocol/secrets/secret-forms.ts';
import { isRedactable, maskOf } from '../../protocol/secrets/secret-values.ts';
import { TextMatcher } from '../../protocol/secrets/text-matcher.ts';
import type { Assignment } from '../../protocol/worker-schemas.ts';

/** Redacts the secret variables of a project from what the model reads and the log stores. */
export class Secrets {
  /** The secrets that can be told from ordinary text, and such lines of them, the longest first. */
  readonly values: readonly [value: string, name: string][];
  /** How many characters the first part of a secret has at most. */
  readonly part_chars_max: number;
  readonly #matcher: TextMatcher;

  constructor({ env, secrets = Object.keys(env) }: Pick<Assignment, 'env' | 'secrets'>) {
    this.values = secrets
      .map((name): [string, string] => [env[name] ?? '', name])
      .filter(([value]) => isRedactable(value))
      .flatMap(([value, name]) =>
        [...new Set([value, ...tellingLines(value)])].map((text): [string, string] => [text, name]),
      )
      .sort(([a], [b]) => b.length - a.length);
    this.part_chars_max = Math.max(0, (this.values[0]?.[0].length ?? 0) - 1);
    this.#matcher = new TextMatcher(this.values.map(([value]) => value));
  }

  /** Replaces each secret by its name. The text keeps its number of lines. */
  redact(text: string): string {
    return this.values.reduce((rest, [value, name]) => {
      if (!rest.includes(value)) return rest;
      const line_ends = '\n'.repeat(value.split('\n').length - 1);
      return rest.replaceAll(value, () => maskOf(name) + line_ends);
    }, text);
  }

  /** Redacts the beginning of a longer text. `open`: its end, which may be the first part of a secret. */
  redactBeginning(text: string): { clean: string; open: string } {
    const redacted = this.redact(text);
    const end = redacted.slice(Math.max(0, redacted.length - this.part_chars_max));
    const at = redacted.length - this.#matcher.cover(end).open;
    return { clean: redacted.slice(0, at), open: redacted.slice(at) };
  }

  /** The name of a secret whose mask is in this text; undefined: there is none. */
  findMask(text: string): string | undefined {
    return this.values.find(([, name]) => text.includes(maskOf(name)))?.[1];
  }
}
