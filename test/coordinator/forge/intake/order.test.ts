import test from 'ava';
import { numberOf } from '../../../../coordinator/sqlite/database.ts';
import { LIMITS } from '../../../../protocol/limits.ts';
import { IntakeScene } from '../../../support/forge/intake-scene.ts';
import { until } from '../../../support/until.ts';

test('a thread that the forge cannot show holds up no other of its repository, and its own order stays', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, log } = scene;
  const stuck = github.openIssue(demo, ada, { title: 'stuck', body: '@errand mend the stuck one' });
  github.comment(demo, stuck, ada, '@errand and then this');
  for (let n = 1; n <= 5; n++) github.openIssue(demo, ada, { title: `${n}`, body: `@errand mend ${n}` });
  let away = true;
  github.intercept = (request, response) => {
    if (!away || !request.url?.includes(`/issues/${stuck.number}`)) return false;
    response.writeHead(502).end();
    return true;
  };
  for (const hook of github.hooks.sent) await scene.receive(hook);
  const waiting = () => numberOf(log.db, 'SELECT count(*) FROM deliveries WHERE next_at IS NOT NULL');
  await until('all others are handled', () => waiting() === 2);
  t.deepEqual(scene.tasks.map(({ title }) => title).sort(), ['mend 1', 'mend 2', 'mend 3', 'mend 4', 'mend 5']);
  away = false;
  await scene.settled();
  const [task, ...others] = scene.tasks.slice(5);
  t.is(task?.title, 'mend the stuck one');
  t.is(others.length, 0);
  t.regex(scene.messages(task?.id ?? '')[0] ?? '', /^and then this/);
});

test('a pull request whose checks the forge cannot show holds up no other of its repository', async (t) => {
  const scene = await IntakeScene.start(t, { follow_up: true });
  const { github, demo, ada } = scene;
  for (const title of ['stuck', 'free']) github.openIssue(demo, ada, { title, body: `@errand mend the ${title} one` });
  await scene.deliver();
  const pulls = await Promise.all(
    scene.tasks.map(async (task) => {
      const { commit } = await scene.addPull(task);
      await scene.work(task.id, 'Done.', commit);
      return { id: task.id, title: task.title, commit };
    }),
  );
  const of = (title: string) => pulls.find((pull) => pull.title.includes(title)) ?? t.fail(title);
  const [stuck, free] = [of('stuck'), of('free')];
  let away = true;
  github.intercept = (request, response) => {
    if (!away || !request.url?.includes(stuck.commit)) return false;
    response.writeHead(502).end();
    return true;
  };
  for (const { commit, title } of [stuck, free])
    github.check(demo, commit, { name: 'test', conclusion: 'failure', log: `error: of ${title}` });
  for (const hook of github.hooks.sent) await scene.receive(hook);
  await until('the other is heard', () => scene.messages(free.id).some((text) => text.includes('error: of')));
  t.deepEqual(scene.messages(stuck.id), []);
  away = false;
  await scene.settled();
  t.regex(scene.messages(stuck.id).join(), /error: of mend the stuck one/);
});

test('of one repository no more than four webhooks are handled at once', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada } = scene;
  for (let n = 1; n <= 7; n++) github.openIssue(demo, ada, { title: `${n}`, body: `@errand mend ${n}` });
  const go_on = Promise.withResolvers<undefined>();
  const asked = new Set<string>();
  github.intercept = async ({ url = '' }) => {
    if (!/\/issues\/\d+$/.test(url)) return false;
    asked.add(url);
    await go_on.promise;
    return false;
  };
  for (const hook of github.hooks.sent) await scene.receive(hook);
  await until('the forge is asked about four', () => asked.size === 4);
  // A stored delivery wakes the queue: another round begins no more.
  const other = github.openIssue(demo, ada, { title: 'other', body: '@errand mend it' });
  for (const hook of github.hooks.sent.slice(-1)) await scene.receive(hook);
  t.is(asked.size, 4);
  t.false([...asked].some((url) => url.endsWith(`/${other.number}`)));
  go_on.resolve(undefined);
  await scene.settled();
  t.is(scene.tasks.length, 8);
});

test('strangers who fill a thread with comments of any length do not keep the person from being heard', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, bob } = scene;
  const issue = github.openIssue(demo, bob, { title: 'long' });
  const longest = '語'.repeat(LIMITS.forge_text_chars_max);
  for (let n = 0; n < 100; n++) github.comment(demo, issue, bob, longest);
  t.true(100 * Buffer.byteLength(longest) > 2 * LIMITS.forge_answer_bytes_max, 'one page of these is not read');
  github.comment(demo, issue, ada, '@errand fix it');
  await scene.deliver();
  t.is(scene.task.title, 'fix it');
});

test('a mention is found among as many newer comments as are searched, and is ignored below more', async (t) => {
  for (const newer of [LIMITS.comments_searched_max - 1, LIMITS.comments_searched_max]) {
    const scene = await IntakeScene.start(t);
    const { github, demo, ada, bob } = scene;
    const issue = github.openIssue(demo, bob, { title: 'long' });
    github.comment(demo, issue, ada, '@errand fix it');
    for (let n = 0; n < newer; n++) github.comment(demo, issue, bob, `Number ${n}`);
    await scene.deliver();
    t.is(scene.tasks.length, newer < LIMITS.comments_searched_max ? 1 : 0, String(newer));
  }
});
