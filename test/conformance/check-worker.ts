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

/**
 * Checks rules about the life of one worker: all, if none are given. One that does not boot (`boots`) has no other
 * verdict.
 */
export async function checkOneLife(
  context: WorkerUnderTest,
  tell: (verdict: Verdict) => void,
  rules = oneLife(),
): Promise<{ verdicts: Verdict[]; boots: boolean }> {
  const first = await checkAll(rules.slice(0, 1), context, tell);
  const boots = first.verdicts.every(({ ok }) => ok);
  const others = boots ? await checkAll(rules.slice(1), context, tell) : { verdicts: [] };
  return { verdicts: [...first.verdicts, ...others.verdicts], boots };
}

/** `unchecked`: why rules were not checked, one line each. */
export type Verdicts = { verdicts: Verdict[]; unchecked: string[] };

/**
 * Checks the rules that need a new worker each. Where the long task ends by itself, the first verdict says so, and
 * there is none of the rules that interrupt it.
 */
export async function checkOtherLives(context: WorkerUnderTest, tell: (verdict: Verdict) => void): Promise<Verdicts> {
  const first = await checkAll([LONG_TASK], context, tell);
  const is_long = first.verdicts.every(({ ok }) => ok);
  const prompts = { ...context.prompts, ...(!is_long && { long: null }) };
  const others = await checkAll(otherLives(context.prompts), { ...context, prompts }, tell);
  return { verdicts: [...first.verdicts, ...others.verdicts], unchecked: others.unchecked };
}

/**
 * Checks the rules that have this text in their names, and those about one life before the last such rule. Without any
 * it has no verdicts.
 */
export async function checkNamed(
  text: string,
  context: WorkerUnderTest,
  tell: (verdict: Verdict) => void,
): Promise<Verdicts> {
  const isMeant = ({ name }: { name: string }) => name.toLowerCase().includes(text.toLowerCase());
  const life = oneLife();
  const { verdicts, boots } = await checkOneLife(context, tell, life.slice(0, life.findLastIndex(isMeant) + 1));
  const rules = boots && context.source.lives === 'many' ? otherLives(context.prompts).filter(isMeant) : [];
  const others = await checkAll(rules, context, tell);
  return { verdicts: [...verdicts, ...others.verdicts], unchecked: others.unchecked };
}

/**
 * Checks rules one after the other, and reports each verdict at once. A broken rule does not end the suite. One that
 * cannot be checked has no verdict.
 */
async function checkAll(
  rules: readonly Rule<WorkerUnderTest>[],
  context: WorkerUnderTest,
  tell: (verdict: Verdict) => void,
): Promise<Verdicts> {
  const verdicts: Verdict[] = [];
  const unchecked: string[] = [];
  for (const rule of rules) {
    const { name } = rule;
    const verdict = await checkWorker(rule, context).then(
      (): Verdict => ({ name, ok: true, words: '' }),
      (error: unknown): Verdict | null => {
        const words = error instanceof Error ? error.message : String(error);
        if (!(error instanceof NotChecked)) return { name, ok: false, words };
        unchecked.push(words);
        return null;
      },
    );
    if (verdict === null) continue;
    verdicts.push(verdict);
    tell(verdict);
  }
  return { verdicts, unchecked };
}
