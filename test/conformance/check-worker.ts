import type { Rule } from './rule.ts';
import type { WorkerUnderTest } from './worker-calls.ts';

export type Verdict = { name: string; ok: boolean; words: string };

const OBJECTIONS_MAX = 10;

/**
 * Checks one rule. Rejects if it is broken, with an error that says what was wrong, and what the mock coordinator
 * refused meanwhile.
 */
export async function checkWorker({ check }: Rule<WorkerUnderTest>, context: WorkerUnderTest): Promise<void> {
  const { objections } = context.source;
  objections();
  try {
    await check(context);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Error([words, ...objections().slice(0, OBJECTIONS_MAX)].join('\n'), { cause: error });
  }
}

/** Checks rules one after the other, and reports each verdict at once. A broken rule does not end the suite. */
export async function checkAll(
  rules: readonly Rule<WorkerUnderTest>[],
  context: WorkerUnderTest,
  tell: (verdict: Verdict) => void,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const rule of rules) {
    const { name } = rule;
    const verdict = await checkWorker(rule, context).then(
      (): Verdict => ({ name, ok: true, words: '' }),
      (error: unknown): Verdict => ({ name, ok: false, words: error instanceof Error ? error.message : String(error) }),
    );
    verdicts.push(verdict);
    tell(verdict);
  }
  return verdicts;
}
