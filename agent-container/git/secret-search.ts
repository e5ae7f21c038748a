import { formsOf } from '../../protocol/secrets/secret-forms.ts';
import { TextMatcher } from '../../protocol/secrets/text-matcher.ts';
import type { Secrets } from '../base/secrets.ts';
import { tokensIn, type Token } from './token-forms.ts';

/** A secret in a text. Its value is for redaction alone. */
export type FoundSecret = Token;

/** Finds the secrets of a project, in all their forms, and what has the form of a token. */
export class SecretSearch {
  readonly #names: readonly string[];
  readonly #matcher: TextMatcher;

  constructor({ values }: Pick<Secrets, 'values'>) {
    const forms = formsOf(values.map(([value, name]) => ({ name, value })));
    this.#names = [...forms.values()];
    this.#matcher = new TextMatcher([...forms.keys()]);
  }

  /** The secrets in a line: the project's own, else tokens. UTF-16 has a zero byte beside each ASCII character. */
  in(line: string): FoundSecret[] {
    const found = this.#in(line);
    return found.length === 0 && line.includes('\0') ? this.#in(line.replaceAll('\0', '')) : found;
  }

  #in(line: string): FoundSecret[] {
    const { parts } = this.#matcher.cover(line);
    if (parts.length === 0) return tokensIn(line);
    return parts.map(({ start, end, index }) => ({
      what: `the value of ${this.#names[index] ?? ''}`,
      value: line.slice(start, end),
    }));
  }
}
