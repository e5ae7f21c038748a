import { Random } from '../../support/random.ts';
import { byteTargets } from './byte-targets.ts';
import { bodyTargets, schemaTargets } from './json-targets.ts';
import type { ParserTarget } from './target.ts';

/** How long a parser may take for one input. All inputs are short. */
const INPUT_MS_MAX = 250;
/** How often a slow input is tried again: the machine may have been busy. */
const SLOW_TRIES = 3;
/** The kept inputs of one target. Past it a new one takes the place of an old one. */
const KEPT_MAX = 500;
/** The share of inputs that go to the schemas, the others to the parsers of bytes and bodies. */
const SCHEMAS_SHARE = 0.4;

/** What came of one target. */
export type Outcome = { name: string; inputs: number; accepted: number; ways: number };

/** An input that broke a rule. The message has all that is needed to try it again. */
class FuzzFailure extends Error {
  override readonly name = 'FuzzFailure';

  constructor(target: string, input: Buffer, cause: unknown) {
    const text =
      input.length > 2_000
        ? `${input.toString('base64', 0, 2_000)}… (${input.length} bytes)`
        : input.toString('base64');
    super(`${target}: ${cause instanceof Error ? cause.message : String(cause)}\ninput in base64: ${text}`, { cause });
  }
}

/** All targets, those whose name contains `only`. */
function targetsFor(only: string): { schemas: ParserTarget[]; others: ParserTarget[] } {
  const isWanted = ({ name }: ParserTarget) => name.includes(only);
  return { schemas: schemaTargets().filter(isWanted), others: [...byteTargets(), ...bodyTargets()].filter(isWanted) };
}

/**
 * Gives `inputs` inputs to the parsers. The same seed gives the same inputs. Rejects with a `FuzzFailure` at the first
 * one that breaks a rule.
 */
export async function fuzz(options: { inputs: number; seed: number; only?: string }): Promise<Outcome[]> {
  const { schemas, others } = targetsFor(options.only ?? '');
  const share = others.length === 0 ? 1 : schemas.length === 0 ? 0 : SCHEMAS_SHARE;
  const each = (count: number, part: number) => Math.ceil((options.inputs * part) / count);
  const outcomes: Outcome[] = [];
  for (const target of others) outcomes.push(await fuzzOne(target, each(others.length, 1 - share), options.seed));
  for (const target of schemas) outcomes.push(await fuzzOne(target, each(schemas.length, share), options.seed));
  return outcomes;
}

async function fuzzOne(target: ParserTarget, inputs: number, seed: number): Promise<Outcome> {
  const random = new Random(seed);
  const kept = [...target.seeds];
  const ways = new Set<string>();
  let accepted = 0;
  for (let n = 0; n < inputs; n++) {
    const input = target.seeds[n] ?? target.mutate(random, random.pick(kept), random.pick(kept));
    const way = await readOne(target, input, random);
    if (!/^(invalid|too_large|forbidden) /.test(way)) accepted++;
    if (ways.has(way)) continue;
    ways.add(way);
    if (kept.length < KEPT_MAX) kept.push(input);
    else kept[random.whole(0, KEPT_MAX - 1)] = input;
  }
  return { name: target.name, inputs, accepted, ways: ways.size };
}

async function readOne(target: ParserTarget, input: Buffer, random: Random): Promise<string> {
  try {
    for (let tries = 1; ; tries++) {
      const began = performance.now();
      const result = target.read(input, random);
      const way = typeof result === 'string' ? result : await result;
      const took_ms = performance.now() - began;
      if (took_ms <= INPUT_MS_MAX) return way;
      if (tries === SLOW_TRIES) throw new Error(`It took ${Math.round(took_ms)} ms.`);
    }
  } catch (cause) {
    throw new FuzzFailure(target.name, input, cause);
  }
}
