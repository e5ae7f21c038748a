import { ErrandError } from '../../../protocol/problem.ts';
import type { Random } from '../../support/random.ts';

/** A parser under test. */
export type ParserTarget = {
  name: string;
  /** Inputs to begin with. */
  seeds: Buffer[];
  /** Makes a new input from one that is known, and at times from a second one. */
  mutate: (random: Random, input: Buffer, other: Buffer) => Buffer;
  /**
   * Parses the input, and checks what must hold of the result. Returns a word for the way that the input took: inputs
   * that take a new way are kept, and mutated further. Throws where a rule is broken.
   */
  read: (input: Buffer, random: Random) => string | Promise<string>;
};

/** Runs a parser. Returns its result, or the word of its refusal. Throws if it fails in any other way. */
export function attempt<T>(parse: () => T): { value: T } | { refused: string } {
  try {
    return { value: parse() };
  } catch (error) {
    return { refused: refusalOf(error) };
  }
}

/** A word for a refusal: what is wrong and where, without the numbers in it. Throws what is not a refusal. */
export function refusalOf(error: unknown): string {
  if (!(error instanceof ErrandError) || error.code === 'internal') throw error;
  const { code, message, cause, errors } = error;
  const [first] = errors ?? [];
  const unknown = first?.message === 'is not a known field';
  const where = (unknown ? '' : first?.field) ?? '';
  const what = first?.message ?? (cause instanceof Error && !(cause instanceof SyntaxError) ? cause.message : message);
  // What the input says itself is left out: a number, a host, a quoted text.
  const way = `${where.replaceAll(/\/[^/]*[^a-z_/][^/]*/g, '/0')} ${what.replaceAll(/\d+|'.*'|\S*[.:]\S+/g, '0')}`;
  return `${code} ${way.slice(0, 100)}`;
}

/** Throws unless `holds`. */
export function mustHold(holds: boolean, rule: string): void {
  if (!holds) throw new Error(`A rule is broken: ${rule}.`);
}
