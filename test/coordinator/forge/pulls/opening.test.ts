import test from 'ava';
import { askForPulls, changePull } from '../../../../coordinator/forge/pulls/pull-commands.ts';
import { listPendingMessages } from '../../../../coordinator/sqlite/messages.ts';
import { testEachForge } from '../../../support/forge/each-forge.ts';
import { isPull } from '../../../support/forge/world.ts';
import { PullsScene } from '../../../support/pulls-scene.ts';
import { until } from '../../../support/until.ts';

const now = () => new Date().toISOString();

testEachForge(
  'an errand that has succeeded opens one pull request, which says what it did and where it is',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind });
    const issue = scene.forge.openIssue(scene.demo, scene.demo.owner, { title: 'The parser fails' });
    const errand = scene.errand(`As in ada/demo#${issue.number}`);
    const commit = await scene.work(errand, '## Mend the parser\n\nIt read one line too many.');
    const pull = await scene.opened(errand);
    t.like(pull, {
      title: 'Mend the parser',
      repository: 'ada/demo',
      base: 'main',
      draft: false,
      author: 'person',
      problem: null,
    });
    t.is(pull.head.commit, commit);
    const [opened, ...others] = scene.on_forge();
    t.is(others.length, 0);
    t.is(opened?.number, pull.number ?? 0);
    t.true(opened?.body.includes('It read one line too many.'));
    t.true(opened?.body.includes(`Refs #${issue.number}`));
    t.true(opened?.body.includes(`https://errand.example.org/errands/${errand.id}`));
    t.deepEqual(scene.told(errand).slice(0, 2), ['pull.changed opening state', 'pull.opened open']);
  },
);

testEachForge(
  'without the wish of the project nothing is opened until the person asks, and then once',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind, pull_requests: 'none' });
    const [first, second] = [scene.errand(), scene.errand('Something else')];
    await scene.work(first);
    const ask = (id: string, draft?: boolean) =>
      scene.log.write((tx) => askForPulls(tx, scene.user_id, id, draft === undefined ? {} : { draft }, now()));
    t.throws(() => ask(second.id), { message: /no pushed work/ });
    ask(first.id, true);
    const { id } = await scene.opened(first);
    t.true(scene.on_forge()[0]?.pull.draft);
    ask(first.id);
    ask(first.id);
    t.deepEqual(
      scene.pullsOf(first).map((pull) => pull.id),
      [id],
    );
    t.is(scene.on_forge().length, 1);
  },
);

testEachForge(
  'a branch that has a pull request gets no other: it is found, and a text of a person stays',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind });
    const errand = scene.errand();
    scene.has_token = false;
    await scene.work(errand);
    await scene.pull(errand, 'it has failed', ({ state }) => state === 'failed');
    const head = scene.pullsOf(errand)[0]?.head.branch ?? '';
    const own = { title: 'By hand', body: 'My words', head, base: 'main', draft: false };
    await scene.forge.openPull(scene.demo, scene.demo.owner, own);
    scene.has_token = true;
    scene.log.write((tx) => askForPulls(tx, scene.user_id, errand.id, {}, now()));
    t.like(await scene.opened(errand), { title: 'By hand' });
    await scene.work(errand, 'Mend it again', 'more.txt');
    const newest = await scene.pull(
      errand,
      'the new commit is known',
      ({ head: { commit } }) => commit === scene.on_forge()[0]?.pull.head_commit,
    );
    t.is(newest.state, 'open');
    t.is(scene.on_forge().length, 1);
    t.is(scene.on_forge()[0]?.body, 'My words');
  },
);

testEachForge('it is opened by the app where that is installed, else by the person, which is said', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind, pull_author: 'app' });
  const first = scene.errand();
  await scene.work(first);
  t.like(await scene.opened(first), { author: 'person', wished_author: 'app' });
  scene.bot.install();
  const second = scene.errand('And now as the app');
  await scene.work(second, 'By the app', 'other.txt');
  t.like(await scene.opened(second), { author: 'app', wished_author: 'app' });
  t.deepEqual(
    scene.on_forge().map(({ author }) => author.login),
    ['ada', scene.bot.person.login],
  );
});

testEachForge('a forge that does not accept the key of the app is asked as the person', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind, pull_author: 'app' });
  scene.bot.install();
  const first = scene.errand();
  await scene.work(first);
  t.like(await scene.opened(first), { author: 'app' });
  scene.app_refused = true;
  const second = scene.errand('And now as the person');
  await scene.work(second, 'By the person', 'other.txt');
  t.like(await scene.opened(second), { author: 'person' });
  const issue = scene.demo.issues.find(isPull);
  if (!issue) return t.fail();
  await scene.forge.editPull(scene.demo, issue, { title: 'My title' });
  await scene.pull(first, 'the title is known', ({ title, problem }) => title === 'My title' && problem === null);
  scene.has_token = false;
  const third = scene.errand('And now as nobody');
  await scene.work(third, 'By nobody', 'third.txt');
  await scene.pull(third, 'the key is told', ({ problem }) => problem === 'The key of the app is not accepted.');
});

testEachForge(
  'after a further round the text tells of it, and what a person wrote around it stays',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind });
    const errand = scene.errand();
    await scene.work(errand, 'Mend the parser');
    const { number } = await scene.opened(errand);
    const issue = scene.demo.issues.filter(isPull).find((one) => one.number === number);
    if (!issue) return t.fail();
    await scene.forge.editPull(scene.demo, issue, { title: 'My title', body: `Before.\n\n${issue.body}\n\nAfter.` });
    await scene.work(errand, 'Mend the parser and the printer', 'printer.txt');
    await until('the text is new', () => issue.body.includes('and the printer') || undefined);
    t.regex(issue.body, /^Before\.\n\n[\s\S]*\n\nAfter\.$/);
    t.false(/Mend the parser\n/.test(issue.body));
    t.is(scene.on_forge().length, 1);
    await scene.pull(errand, 'the title is known', ({ title }) => title === 'My title');
  },
);

testEachForge(
  'what is pushed after a pull request was merged gets a new one, also where the merge is learned later',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind });
    for (const known of [true, false]) {
      const errand = scene.errand(`Mend it ${known}`);
      await scene.work(errand, 'Mend it', `${known}.txt`);
      const { number } = await scene.opened(errand);
      const issue = scene.demo.issues.filter(isPull).find((one) => one.number === number);
      if (!issue) return t.fail();
      scene.away = !known;
      const before = issue.pull.head_commit.slice(0, 12);
      await scene.forge.merge(scene.demo, issue, scene.demo.owner, known ? 'squash' : 'merge');
      if (known) await scene.pull(errand, 'it is merged', ({ state }) => state === 'merged');
      await scene.work(errand, 'Once more', `${known}-more.txt`);
      scene.away = false;
      const states = () => scene.pullsOf(errand).map((pull) => pull.state);
      await until('there is a new one', () => states()[1] === 'open' || undefined);
      t.deepEqual(states(), ['merged', 'open']);
      const second = scene.pullsOf(errand)[1]?.number;
      const body = scene.on_forge().find((one) => one.number === second)?.body ?? '';
      t.regex(body, new RegExp(`#${number} .* was merged\\. New are the commits after \`${before}\``));
    }
  },
);

testEachForge('an errand that goes on after a merge is told once to fetch the base', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind });
  const errand = scene.errand();
  const notes = () =>
    listPendingMessages(scene.log.db, errand.id).flatMap(({ text }) => (text.startsWith('[Errand]') ? [text] : []));
  await scene.work(errand);
  const { number, head } = await scene.opened(errand);
  const issue = scene.demo.issues.filter(isPull).find((one) => one.number === number);
  if (!issue) return t.fail();
  await scene.work(errand, 'Before the merge', 'before.txt');
  t.deepEqual(notes(), []);
  await scene.forge.merge(scene.demo, issue, scene.demo.owner, 'squash');
  const { base } = await scene.pull(errand, 'it is merged', ({ state }) => state === 'merged');
  for (const round of ['first', 'second']) {
    await scene.work(errand, `The ${round} one after the merge`, `${round}.txt`);
    t.is(notes().length, 1);
    t.true(notes()[0]?.includes(`#${number} of ${head.branch} was merged into ${base}`));
  }
});

testEachForge(
  'a pull request that was merged with commits of a person gets no second one by itself',
  async (t, kind) => {
    const scene = await PullsScene.start(t, { kind });
    const errand = scene.errand();
    await scene.work(errand);
    const { number, head } = await scene.opened(errand);
    const issue = scene.demo.issues.filter(isPull).find((one) => one.number === number);
    if (!issue) return t.fail();
    await until('its text is told', () => scene.rowOf(errand)?.told_commit === head.commit || undefined);
    await scene.forge.push(scene.demo, head.branch, { 'by-hand.txt': 'By hand' });
    await scene.forge.merge(scene.demo, issue, scene.demo.owner);
    await scene.pull(errand, 'it is merged', ({ state }) => state === 'merged');
    const next = scene.errand('Another');
    await scene.work(next, 'Another', 'another.txt');
    await scene.opened(next);
    t.is(scene.pullsOf(errand).length, 1);
  },
);

testEachForge('a pull request that a person has closed is not opened again by itself', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind });
  const errand = scene.errand();
  await scene.work(errand);
  await scene.opened(errand);
  const [issue] = scene.demo.issues.filter(isPull);
  if (!issue) return t.fail();
  await scene.forge.editPull(scene.demo, issue, { state: 'closed' });
  await scene.pull(errand, 'it is closed', ({ state }) => state === 'closed');
  await scene.work(errand, 'Once more', 'more.txt');
  // Another errand, whose pull request comes after all that was to be done for the first.
  const next = scene.errand('Another');
  await scene.work(next, 'Another', 'another.txt');
  await scene.opened(next);
  t.deepEqual(
    scene.pullsOf(errand).map(({ state }) => state),
    ['closed'],
  );
  scene.log.write((tx) => askForPulls(tx, scene.user_id, errand.id, {}, now()));
  await scene.opened(errand);
  t.is(scene.pullsOf(errand).length, 2);
});

testEachForge('an answer that was overtaken does not undo what came meanwhile', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind });
  const errand = scene.errand();
  const overtaken = Promise.withResolvers<undefined>();
  scene.after_look = async () => {
    // A webhook says that it was merged, after the forge has answered that it is open.
    scene.after_look = undefined;
    const [pull] = scene.pullsOf(errand);
    scene.log.write((tx) => changePull(tx, pull?.id ?? '', { state: 'merged', next_look_at: null }, now()));
    overtaken.resolve(undefined);
  };
  await scene.work(errand);
  await overtaken.promise;
  // Opened after the answer was dealt with.
  const next = scene.errand('Another');
  await scene.work(next, 'Another', 'another.txt');
  await scene.opened(next);
  t.deepEqual(
    scene.pullsOf(errand).map(({ state }) => state),
    ['merged'],
  );
});

test('GitHub: a base that was renamed since the errand started is found under its new name', async (t) => {
  const scene = await PullsScene.start(t);
  scene.forge.intercept = ({ url = '' }, response) => {
    if (!url.endsWith('/branches/master')) return false;
    response.writeHead(301, { location: url.replace(/master$/, 'main') }).end();
    return true;
  };
  const errand = scene.errand('Mend the parser', { base_branch: 'master' });
  await scene.work(errand);
  await scene.opened(errand);
  t.is(scene.on_forge()[0]?.pull.base, 'main');
  t.is(scene.rowOf(errand)?.base_branch, 'main');
});

testEachForge('what people wrote beside it stays as it is when Errand changes its part of a text', async (t, kind) => {
  const scene = await PullsScene.start(t, { kind });
  const { forge, demo } = scene;
  const errand = scene.errand();
  await scene.work(errand);
  await scene.opened(errand);
  const issue = demo.issues.find(isPull);
  if (!issue) return t.fail();
  const own = 'One\r\n\r\n\u202Etwo\u202C \u001B[1mthree\u0007\r\n';
  await forge.editPull(demo, issue, { body: own + issue.body });
  await scene.work(errand, 'The second round', 'second.txt');
  await scene.pull(errand, 'its text tells of the second round', () => issue.body.includes('The second round'));
  t.true(issue.body.startsWith(own));
});
