import type { Assignment } from '../../protocol/worker-schemas.ts';

/** A shorter value is hardly a secret, and redacting it would make ordinary text unreadable. */
const SECRET_CHARS_MIN = 8;
const DIFFERENT_CHARS_MIN = 5;
/** Values that stand in ordinary text. A secret with such a value cannot be redacted without harm to that text. */
const COMMON =
  /^(production|development|staging|localhost|undefined|disabled|enabled|anonymous|postgres(ql)?|password|passw0rd|changeme|administrator|username|database|examples?|example\.(com|org|net)|function|continue|required|optional)$/i;

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

const maskOf = (name: string): string => `[secret ${name}]`;

function isRedactable(value: string): boolean {
  if (value.length < SECRET_CHARS_MIN || COMMON.test(value.trim())) return false;
  return new Set(value).size >= DIFFERENT_CHARS_MIN;
}
