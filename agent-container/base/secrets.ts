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

  /** Replaces each secret by its name. */
  redact(text: string): string {
    return this.values.reduce((rest, [value, name]) => rest.replaceAll(value, maskOf(name)), text);
  }

  /** The name of a secret whose mask is in this text; undefined: there is none. */
  findMask(text: string): string | undefined {
    return this.values.find(([, name]) => text.includes(maskOf(name)))?.[1];
  }
}
