import test from 'ava';
import { checkOtherLives } from './check-worker.ts';
import { SCRIPTED_PROMPTS, SCRIPTED_WORKER } from './scripted.ts';
import { asProcess, startedWorkers } from './worker-under-test.ts';
import { otherLives } from './worker-suite.ts';

const source = await startedWorkers(asProcess([process.execPath, SCRIPTED_WORKER]));
test.after.always(() => source.close());

test('a long task that ends by itself fails once, with what to do, and the worker is not blamed', async (t) => {
  const prompts = { ...SCRIPTED_PROMPTS, long: JSON.stringify([{ emit: 1 }]), noisy: null, asks: null };
  const { verdicts, unchecked } = await checkOtherLives({ source, prompts, work_ms: 60_000 }, () => {});
  const broken = verdicts.filter(({ ok }) => !ok);
  t.is(broken.length, 1);
  t.regex(broken[0]?.words ?? '', /^it ended by itself after [\d.]+ s, .* give --long a task that works for at least/);
  t.true(unchecked > 5);
  t.is(verdicts.length, otherLives(prompts).length - unchecked + 1);
});
