import { askForPulls } from '../../../../coordinator/forge/pulls/pull-commands.ts';
import { testEachForge } from '../../../support/forge/each-forge.ts';
import { PullsScene } from '../../../support/pulls-scene.ts';
import { until } from '../../../support/until.ts';

const now = () => new Date().toISOString();

testEachForge('work that was taken back gets no pull request, by itself or when asked for', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind });
  const errand = scene.errand();
  scene.has_token = false;
  await scene.work(errand);
  await scene.pull(errand, 'it has failed', ({ state }) => state === 'failed');
  scene.has_token = true;
  await scene.takeBack(errand);
  t.like(scene.pullsOf(errand), { length: 1, 0: { state: 'failed' } });
  const ask = () => scene.log.write((tx) => askForPulls(tx, scene.user_id, errand.id, {}, now()));
  t.throws(ask, { message: /no pushed work/ });
  const again = await scene.work(errand, 'Mend it in another way', 'other.txt');
  t.is((await scene.opened(errand)).head.commit, again);
});

testEachForge(
  'a pull request is told that its work was taken back, and what comes then is in one again',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind });
    const errand = scene.errand();
    await scene.work(errand);
    await scene.opened(errand);
    const base = await scene.takeBack(errand);
    const closes = kind === 'github';
    const state = closes ? 'closed' : 'open';
    await scene.pull(errand, 'it is known', (pull) => pull.state === state && pull.head.commit === base);
    if (!closes) await until('its text says so', () => scene.on_forge()[0]?.body.includes('Taken back') || undefined);
    await scene.work(errand, 'Mend it in another way', 'other.txt');
    await scene.opened(errand);
    await until('its text is new', () => scene.on_forge().at(-1)?.body.includes('in another way') || undefined);
    t.is(scene.on_forge().length, closes ? 2 : 1);
  },
);

testEachForge(
  'work after a pull request that a forge has closed itself gets one, also where that is learned later',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind });
    const errand = scene.errand();
    await scene.work(errand);
    const { id } = await scene.opened(errand);
    scene.away = true;
    await scene.takeBack(errand);
    await scene.work(errand, 'Mend it in another way', 'other.txt');
    scene.away = false;
    await until('it is in one that is open', () => {
      const pull = scene.on_forge().at(-1);
      return (pull?.state === 'open' && pull.body.includes('in another way')) || undefined;
    });
    t.is(scene.on_forge().length, kind === 'github' ? 2 : 1);
    const [first] = scene.pullsOf(errand);
    t.is(first?.id, id);
  },
);
