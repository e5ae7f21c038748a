import test from 'ava';
import { checkOneLife, checkOtherLives, checkWorker } from './check-worker.ts';
import { SCRIPTED_PROMPTS, SCRIPTED_WORKER } from './scripted.ts';
import { asProcess, startedWorkers } from './worker-under-test.ts';
import { QUESTION_RULE } from './worker-questions.ts';
import { REPORT_RULES } from './worker-reports.ts';
import { otherLives } from './worker-suite.ts';

const source = await startedWorkers(asProcess([process.execPath, SCRIPTED_WORKER]));
test.after.always(() => source.close());

for (const [command, words] of [
  [
    [process.execPath, '-e', 'process.exit(3)'],
    /^the worker exited with code 3 before this held: it answers \/healthz with 200$/,
  ],
  [['/no/such/program'], /^the worker could not be started: .*ENOENT/],
] as const)
  test.serial(`a worker that does not boot is told of at once, and once: ${command.at(-1)}`, async (t) => {
    const started = await startedWorkers(asProcess([...command]));
    t.teardown(() => started.close());
    const context = { source: started, prompts: SCRIPTED_PROMPTS, work_ms: 60_000 };
    const { verdicts, boots } = await checkOneLife(context, () => {});
    t.false(boots);
    t.is(verdicts.length, 1);
    t.regex(verdicts[0]?.words ?? '', words);
  });

test.serial('a long task that ends by itself fails once, with what to do, and the worker is not blamed', async (t) => {
  const prompts = { ...SCRIPTED_PROMPTS, long: JSON.stringify([{ emit: 1 }]), noisy: null, asks: null };
  const { verdicts, unchecked } = await checkOtherLives({ source, prompts, work_ms: 60_000 }, () => {});
  const broken = verdicts.filter(({ ok }) => !ok);
  t.is(broken.length, 1);
  t.regex(broken[0]?.words ?? '', /^it ended by itself after [\d.]+ s, .* give --long a task that works for at least/);
  t.true(unchecked.length > 5);
  t.is(verdicts.length, otherLives(prompts).length - unchecked.length + 1);
});

test.serial(
  'a long task without an event that the next attempt has to report is named, with what there was',
  async (t) => {
    const rule = REPORT_RULES.find(({ name }) => name.includes('had only in its spool'));
    if (rule === undefined) return t.fail('There is no such rule.');
    const prompts = { ...SCRIPTED_PROMPTS, long: JSON.stringify([{ wait: true }]) };
    const error = await t.throwsAsync(checkWorker(rule, { source, prompts, work_ms: 5_000 }));
    t.regex(error.message, /^it posted no event that the next attempt would have to report, within 5000 ms/);
    t.regex(error.message, /It posted agent.started, .*repository.ready/);
  },
);

test.serial('a worker that does not park, and waits for its answer, keeps the rule about questions', async (t) => {
  const asks = JSON.stringify([{ ask: 'May it go on?', parks: false }]);
  const prompts = { ...SCRIPTED_PROMPTS, asks };
  await t.notThrowsAsync(checkWorker(QUESTION_RULE, { source, prompts, work_ms: 60_000 }));
});
