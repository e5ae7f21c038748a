import test from 'ava';
import { fileURLToPath } from 'node:url';
import { checkWorker } from './check-worker.ts';
import type { Mutant } from './mutants/mutant.ts';
import { MUTANTS } from './mutants/mutants.ts';
import { SCRIPTED_PROMPTS } from './scripted.ts';
import { oneLife } from './worker-life.ts';
import { otherLives } from './worker-suite.ts';
import { asProcess, startedWorkers } from './worker-under-test.ts';

const RELAY = fileURLToPath(new URL('mutants/relay.ts', import.meta.url));
const AT_ONCE = 4;
const WORK_MS = 60_000;

const ruleNames = [...oneLife(), ...otherLives(SCRIPTED_PROMPTS)].map(({ name }) => name);

/** Checks the rules on a mutant up to the one that it breaks. Returns the first that fails, and its message. */
async function brokenRule({ name, rule }: Mutant): Promise<{ name: string; message: string } | null> {
  const source = await startedWorkers(asProcess([process.execPath, RELAY, name]));
  try {
    const life = oneLife();
    const last = life.findIndex((other) => other.name === rule);
    const rules =
      last === -1 ? otherLives(SCRIPTED_PROMPTS).filter((other) => other.name === rule) : life.slice(0, last + 1);
    for (const next of rules) {
      const error = await checkWorker(next, { source, prompts: SCRIPTED_PROMPTS, work_ms: WORK_MS }).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (error instanceof Error) return { name: next.name, message: error.message };
    }
    return null;
  } finally {
    await source.close();
  }
}

// Each lane checks one mutant at a time.
const lanes: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());
for (const [i, mutant] of MUTANTS.entries()) {
  test(`the suite detects a worker that ${mutant.name}`, async (t) => {
    const broken = (lanes[i % AT_ONCE] ?? Promise.resolve()).then(() => brokenRule(mutant));
    lanes[i % AT_ONCE] = broken.catch(() => undefined);
    const found = await broken;
    t.is(found?.name, mutant.rule);
    t.regex(found?.message ?? '', mutant.says);
    t.notRegex(found?.message ?? '', /\S+ [!=]== \S+/, 'the message is a sentence');
  });
}

test('each rule for workers has a mutant that breaks it', (t) => {
  t.deepEqual(
    ruleNames.filter((name) => !MUTANTS.some(({ rule }) => rule === name)),
    [],
  );
});

test('each mutant breaks a rule that there is', (t) => {
  t.deepEqual(
    MUTANTS.filter(({ rule }) => !ruleNames.includes(rule)).map(({ name }) => name),
    [],
  );
});
