import type { Rule } from './rule.ts';
import { LONG_TASK } from './long-task.ts';
import { NotChecked, type WorkerUnderTest } from './worker-calls.ts';
import { oneLife } from './worker-life.ts';
import { otherLives } from './worker-suite.ts';

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
    if (error instanceof NotChecked) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new Error([words, ...objections().slice(0, OBJECTIONS_MAX)].join('\n'), { cause: error });
  }
}

/** Checks the rules about the life of one worker. One that does not boot (`boots`) has no other verdict. */
export async function checkOneLife(
  context: WorkerUnderTest,
  tell: (verdict: Verdict) => void,
): Promise<{ verdicts: Verdict[]; boots: boolean }> {
  const rules = oneLife();
  const first = await checkAll(rules.slice(0, 1), context, tell);
  const boots = first.every(({ ok }) => ok);
  const others = boots ? await checkAll(rules.slice(1), context, tell) : [];
  return { verdicts: [...first, ...others], boots };
}

/**
 * Checks the rules that need a new worker each. Where the long task ends by itself, the first verdict says so, and there
 * is none of the rules that interrupt it.
 */
export async function checkOtherLives(
  context: WorkerUnderTest,
  tell: (verdict: Verdict) => void,
): Promise<{ verdicts: Verdict[]; unchecked: number }> {
  const rules = otherLives(context.prompts);
  const first = await checkAll([LONG_TASK], context, tell);
  const is_long = first.every(({ ok }) => ok);
  const prompts = { ...context.prompts, ...(!is_long && { long: null }) };
  const others = await checkAll(rules, { ...context, prompts }, tell);
  return { verdicts: [...first, ...others], unchecked: rules.length - others.length };
}

/**
 * Checks rules one after the other, and reports each verdict at once. A broken rule does not end the suite. One that
 * cannot be checked has no verdict.
 */
async function checkAll(
  rules: readonly Rule<WorkerUnderTest>[],
  context: WorkerUnderTest,
  tell: (verdict: Verdict) => void,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const rule of rules) {
    const { name } = rule;
    const verdict = await checkWorker(rule, context).then(
      (): Verdict => ({ name, ok: true, words: '' }),
      (error: unknown): Verdict | null => {
        if (error instanceof NotChecked) return null;
        return { name, ok: false, words: error instanceof Error ? error.message : String(error) };
      },
    );
    if (verdict === null) continue;
    verdicts.push(verdict);
    tell(verdict);
  }
  return verdicts;
}
