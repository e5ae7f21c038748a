/** A shorter value is hardly a secret, and redacting it would make ordinary text unreadable. */
const SECRET_CHARS_MIN = 6;

/** Redacts the values of a project's variables from what the model reads and the log stores. */
export class Secrets {
  readonly #values: [value: string, name: string][];
  /** How many characters of a stream must be held back, so that no secret goes out in two halves. */
  readonly hold_back_chars: number;

  constructor(env: Record<string, string>) {
    this.#values = Object.entries(env)
      .filter(([, value]) => value.length >= SECRET_CHARS_MIN)
      .map(([name, value]): [string, string] => [value, name])
      .sort(([a], [b]) => b.length - a.length);
    this.hold_back_chars = Math.max(0, (this.#values[0]?.[0].length ?? 0) - 1);
  }

  /** Replaces each secret by its name. */
  redact(text: string): string {
    return this.#values.reduce((rest, [value, name]) => rest.replaceAll(value, `[secret ${name}]`), text);
  }
}
