import { isRedactable, maskOf } from '../../protocol/secrets/secret-values.ts';
import type { Assignment } from '../../protocol/worker-schemas.ts';

/** Redacts the secret variables of a project from what the model reads and the log stores. */
export class Secrets {
  /** The secrets that can be told from ordinary text, the longest first. */
  readonly values: readonly [value: string, name: string][];
  /** How many characters of a stream must be held back, so that no secret goes out in two halves. */
  readonly hold_back_chars: number;

  constructor({ env, secrets = Object.keys(env) }: Pick<Assignment, 'env' | 'secrets'>) {
    this.values = secrets
      .map((name): [string, string] => [env[name] ?? '', name])
      .filter(([value]) => isRedactable(value))
      .sort(([a], [b]) => b.length - a.length);
    this.hold_back_chars = Math.max(0, (this.values[0]?.[0].length ?? 0) - 1);
  }

  /** Replaces each secret by its name. The text keeps its number of lines. */
  redact(text: string): string {
    return this.values.reduce((rest, [value, name]) => {
      if (!rest.includes(value)) return rest;
      const line_ends = '\n'.repeat(value.split('\n').length - 1);
      return rest.replaceAll(value, () => maskOf(name) + line_ends);
    }, text);
  }

  /** Redacts the beginning of a longer text. What may be the first half of a secret is left out. */
  redactBeginning(text: string): string {
    const clean = this.redact(text);
    return clean.slice(0, Math.max(0, clean.length - this.hold_back_chars));
  }

  /** The name of a secret whose mask is in this text; undefined: there is none. */
  findMask(text: string): string | undefined {
    return this.values.find(([, name]) => text.includes(maskOf(name)))?.[1];
  }
}
