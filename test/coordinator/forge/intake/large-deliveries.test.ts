import test from 'ava';
import { LIMITS } from '../../../../protocol/limits.ts';
import { IntakeScene } from '../../../support/forge/intake-scene.ts';

/** The body of a webhook, with many values that nobody reads. */
const with_values = (body: string) => `${body.slice(0, -1)},"more":[${'0,'.repeat(50_000)}0]}`;

async function sceneWithHook(t: Parameters<typeof IntakeScene.start>[0]) {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada } = scene;
  github.openIssue(demo, ada, { title: 'x', body: 'y' });
  const hook = github.hooks.sent.at(-1);
  if (!hook) throw new Error('Nothing was sent.');
  return { scene, hook };
}

test('a webhook with many values is read in a thread, its forge pays, and only what it says comes back', async (t) => {
  const { scene, hook } = await sceneWithHook(t);
  t.is(await scene.receive(scene.signed(hook, with_values(hook.body), 'large')), 'stored');
  const [job, ...others] = scene.threads.jobs;
  t.like(job, { name: 'DELIVERY', key: scene.forge_id });
  t.true(JSON.stringify(job?.value).length < 2_000);
  t.deepEqual(others, []);
  t.is(scene.charged.length, 1);
  const bad = scene.signed(hook, `{"more":[${'0,'.repeat(50_000)}0]`, 'no-json');
  await t.throwsAsync(scene.receive(bad), { code: 'invalid' });
  const deep = scene.signed(hook, '['.repeat(50_000), 'deep');
  await t.throwsAsync(scene.receive(deep), { code: 'too_large' });
});

test('a webhook that is not signed is not read', async (t) => {
  const { scene, hook } = await sceneWithHook(t);
  const signed = scene.signed(hook, with_values(hook.body), 'large');
  await t.throwsAsync(scene.receive({ ...signed, body: `${signed.body} ` }), { code: 'forbidden' });
  t.deepEqual([scene.threads.jobs, scene.charged], [[], []]);
});

test('each signed webhook counts towards the rate of its forge, also one that says nothing of use', async (t) => {
  const { scene, hook } = await sceneWithHook(t);
  scene.stopped_at = Date.now();
  const unused = (n: number) => scene.receive(scene.signed(hook, `{"action":"closed"}${' '.repeat(n)}`, `d-${n}`));
  for (let n = 0; n < LIMITS.deliveries_per_minute_max; n++) t.is(await unused(n), 'unused');
  await t.throwsAsync(unused(0), { code: 'rate_limited' });
  await t.throwsAsync(scene.receive(scene.signed(hook, with_values(hook.body), 'large')), { code: 'rate_limited' });
  t.deepEqual(scene.threads.jobs, []);
});
