import test, { type ExecutionContext } from 'ava';
import { createLogger } from '../../../../coordinator/base/logger.ts';
import type { ForgeAccess, OpenForge } from '../../../../coordinator/forge/forge-access.ts';
import { ForgeApiError } from '../../../../coordinator/forge/forge-api-error.ts';
import { MissedEvents } from '../../../../coordinator/forge/intake/missed-events.ts';
import { sql } from '../../../../coordinator/sqlite/database.ts';
import { listHeardTo } from '../../../../coordinator/sqlite/heard-repositories.ts';
import { findPull, updatePull } from '../../../../coordinator/sqlite/pulls.ts';
import { LIMITS } from '../../../../protocol/limits.ts';
import { ErrandError } from '../../../../protocol/problem.ts';
import { away, intakeAt, look, type AnyIntake } from '../../../support/forge/away.ts';
import { testEachForge } from '../../../support/forge/each-forge.ts';
import { until } from '../../../support/until.ts';
import type { SentHook } from '../../../support/forge/hooks.ts';
import { IntakeScene } from '../../../support/forge/intake-scene.ts';

const DAY_MS = 24 * 3_600_000;

/** The titles of the errands there are. */
const titles = (scene: Pick<IntakeScene, 'tasks'>) => scene.tasks.map(({ title }) => title).sort();

testEachForge('what was said while the server was away is handled once it is back, each once', async (t, kind) => {
  const scene = await intakeAt(t, kind);
  const { github, demo, ada, bob } = scene;
  const talk = github.openIssue(demo, bob, { title: 'talk' });
  await scene.deliver();
  await away(scene, async () => {
    github.openIssue(demo, ada, { title: 'opened', body: '@errand mend the opened one' });
    github.comment(demo, talk, ada, '@errand mend the talk');
    github.comment(demo, talk, bob, '@errand wreck it');
    github.label(demo, github.openIssue(demo, bob, { title: 'labeled' }), ada, 'errand');
    github.openIssue(demo, ada, { title: 'opened with the label', labels: ['errand'] });
    await github.push(demo, 'topic', { 'a.txt': 'a' });
    const draft = { title: 'Topic', body: '@errand review it', head: 'topic', base: 'main', draft: false };
    const pull = await github.openPull(demo, ada, draft);
    await github.push(demo, 'other', { 'b.txt': 'b' });
    const other = await github.openPull(demo, bob, { ...draft, title: 'Other', body: '', head: 'other' });
    const comments = [{ path: 'b.txt', line: 1, body: '@errand mend this line' }];
    await github.review(demo, other, ada, { state: 'COMMENTED', comments });
    t.is(pull.state, 'open');
  });
  const right = [
    'labeled',
    'mend the opened one',
    'mend the talk',
    'mend this line',
    'opened with the label',
    'review it',
  ];
  t.deepEqual(titles(scene), right);
  // What is found again, and what comes late by webhook, starts nothing.
  await look(scene);
  for (const hook of sentBy(scene)) await scene.receive(hook);
  await scene.settled();
  t.deepEqual(titles(scene), right);
});

testEachForge('a review that came while the server was away sends the errand back, with its lines', async (t, kind) => {
  const scene = await intakeAt(t, kind);
  const { github, demo, ada, bob } = scene;
  github.openIssue(demo, ada, { title: 'It fails', body: '@errand fix it' });
  await scene.deliver();
  const { id } = scene.task;
  const { pull, commit } = await scene.addPull(scene.task);
  await scene.work(id, 'Done.', commit);
  await away(scene, async () => {
    const comments = [{ path: 'a.txt', line: 2, body: 'Not here.' }];
    await github.review(demo, pull, bob, { state: 'CHANGES_REQUESTED', body: 'Nearly.', comments });
    await github.review(demo, pull, bob, { state: 'APPROVED', body: 'Fine as a whole.' });
  });
  const [message = '', ...others] = scene.messages(id);
  t.regex(message, /changes requested/);
  t.regex(message, /Nearly\.[^]*Not here\./);
  t.deepEqual(others, []);
  for (const hook of sentBy(scene)) await scene.receive(hook);
  await look(scene);
  t.is(scene.messages(id).length, 1);
});

testEachForge('a pull request that has changed without a webhook is looked at anew', async (t, kind) => {
  const scene = await intakeAt(t, kind);
  const { github, demo, ada } = scene;
  github.openIssue(demo, ada, { title: 'It fails', body: '@errand fix it' });
  await scene.deliver();
  const { pull, row, commit } = await scene.addPull(scene.task);
  await scene.work(scene.task.id, 'Done.', commit);
  await scene.deliver();
  const LATER = '2999-01-01T00:00:00.000Z';
  const nextLook = () => findPull(scene.log.db, row.id)?.next_look_at ?? '';
  const settle = (state: 'open' | 'closed') =>
    scene.log.write(({ db }) => updatePull(db, { ...row, state, next_look_at: state === 'open' ? LATER : null }));
  settle('open');
  await away(scene, async () => void (await github.merge(demo, pull, ada)));
  t.true(nextLook() < LATER);
  settle('closed');
  await away(scene, () => github.editPull(demo, pull, { title: 'Open again' }));
  t.not(nextLook(), '');
});

test('what webhooks have told of is not done again, and a quiet repository costs one call', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada } = scene;
  scene.stopped_at = Date.now() + 60_000;
  github.openIssue(demo, ada, { title: 'x', body: '@errand fix it' });
  await scene.deliver();
  await look(scene);
  t.is(scene.tasks.length, 1);
  await look(scene);
  const before = github.calls.length;
  scene.look_ms = 20;
  await scene.restart();
  const seen = scene.looks;
  await until('it has looked', () => scene.looks >= seen + 4);
  const paths = github.calls.slice(before).map(({ path }) => path.replace(/\?.*/, ''));
  // The first look after a start reads what has changed last once more.
  t.true(paths.filter((path) => path.endsWith('/issues')).length >= 3);
  t.is(paths.filter((path) => path.endsWith('/issues/1')).length, 1);
});

test('nothing is caught up on from before a project reacts to mentions, or from longer ago than webhooks may be', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, log } = scene;
  const setMentions = (on: number) =>
    log.write(({ db }) => sql(db, 'UPDATE projects SET mentions = :on, follow_up = :on').run({ on }));
  setMentions(0);
  await scene.restart();
  await until('it is forgotten', () => listHeardTo(log.db).size === 0);
  github.world.now = () => Date.now() - DAY_MS;
  github.openIssue(demo, ada, { title: 'x', body: '@errand fix what was off' });
  setMentions(1);
  await look(scene);
  t.deepEqual(titles(scene), []);
  github.world.now = () => Date.now();
  await away(scene, () => {
    github.openIssue(demo, ada, { title: 'x', body: '@errand fix the old one' });
    scene.stopped_at = Date.now() + LIMITS.delivery_age_s_max * 1000 + 60_000;
  });
  t.deepEqual(titles(scene), []);
});

test('a repository or thread that the forge does not show now is handled later, and holds up no other', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, user_id } = scene;
  const other = await github.world.addRepository({ owner: ada, name: 'other' });
  scene.addProject(user_id, { name: 'other', repo_url: `${github.origin}/ada/other` });
  await scene.restart();
  let away = true;
  github.intercept = ({ url = '' }, response) => {
    if (!away || !url.includes('/demo/')) return false;
    response.writeHead(502).end();
    return true;
  };
  await scene.intake.stop();
  github.openIssue(demo, ada, { title: 'x', body: '@errand fix the demo' });
  github.openIssue(other, ada, { title: 'x', body: '@errand fix the other' });
  scene.look_ms = 20;
  await scene.restart();
  await until('the other is heard', () => scene.tasks.length === 1);
  t.deepEqual(titles(scene), ['fix the other']);
  away = false;
  await until('the demo is heard', () => scene.tasks.length === 2);
  t.deepEqual(titles(scene), ['fix the demo', 'fix the other']);
});

/** Two people have a project of the repository. `fail`: what becomes of the access of whoever is asked first. */
async function missedOfTwo(t: ExecutionContext, fail: (open: OpenForge) => OpenForge) {
  const scene = await IntakeScene.start(t);
  const { github, ada, bob, demo, log } = scene;
  const repo_url = `${github.origin}/ada/demo`;
  scene.addProject(scene.link(bob), { name: 'demo of bob', repo_url });
  const open = await scene.access.forPerson({ user_id: scene.user_id, project_id: null }, repo_url);
  if (!open) throw new Error('There is no access to the demo.');
  let first: string | undefined;
  const access: ForgeAccess = {
    forApp: () => Promise.resolve(undefined),
    forPerson: async (who, url) => {
      first ??= who.user_id;
      return first === who.user_id ? fail(open) : scene.access.forPerson(who, url);
    },
  };
  const lines: string[] = [];
  const missed = new MissedEvents({
    log,
    access,
    findForge: (id) => ({ id, client: open.client, webhook_secret: 'x', names: ['errand'] }),
    personAt: (_, subject) => scene.linked.get(subject),
    times: { every_ms: 20, retry: { first_ms: 20, max_ms: 100 } },
    now: Date.now,
    logger: createLogger('info', { write: (line) => void lines.push(line) }),
  });
  missed.start();
  t.teardown(() => missed.stop());
  await until('the repository is known', () => listHeardTo(log.db).size === 1);
  github.openIssue(demo, ada, { title: 'x', body: '@errand fix the demo' });
  return { scene, lines };
}

test('a person whose token cannot be renewed now, or is limited, holds up nobody else', async (t) => {
  const unrenewed = new ErrandError('upstream_unreachable', 'The forge does not renew the token now.');
  const limited = new ForgeApiError('rate_limited', 'The forge takes no more calls for now.');
  for (const fail of [
    () => {
      throw unrenewed;
    },
    (open: OpenForge) => ({ ...open, client: { ...open.client, changedThreads: () => Promise.reject(limited) } }),
  ]) {
    const { scene } = await missedOfTwo(t, fail);
    await until('the demo is heard', () => scene.tasks.length === 1);
    t.deepEqual(titles(scene), ['fix the demo']);
  }
});

test('a fault of the server itself is logged, though the access of another person would do', async (t) => {
  const { lines } = await missedOfTwo(t, () => {
    throw new TypeError('A mistake.');
  });
  await until('it is logged', () => lines.some((line) => line.includes('A mistake.')));
  t.pass();
});

test('a bounded number of pages of changes is read, and the log says that something was left out', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada } = scene;
  await scene.intake.stop();
  const { number } = github.openIssue(demo, ada, { title: 'x', body: '@errand fix it' });
  const pages: number[] = [];
  github.intercept = ({ url = '' }, response) => {
    const { pathname, searchParams } = new URL(url, github.origin);
    if (!pathname.endsWith('/demo/issues')) return false;
    const page = Number(searchParams.get('page'));
    pages.push(page);
    // There is always one more. Of all these issues the forge shows one.
    const link = `<${github.origin}${pathname}?page=${page + 1}>; rel="next"`;
    response.writeHead(200, { 'content-type': 'application/json', link });
    const updated_at = new Date(Date.now() - page * 1000).toISOString();
    response.end(JSON.stringify([{ number: page === 1 ? number : 1000 + page, updated_at }]));
    return true;
  };
  await look(scene);
  t.deepEqual(titles(scene), ['fix it']);
  const one_look = Array.from({ length: LIMITS.forge_pages_max }, (_, i) => i + 1);
  t.deepEqual(pages.slice(0, one_look.length), one_look);
  t.is(pages[one_look.length], 1, 'the next look begins anew');
  t.true(scene.lines.some((line) => line.includes('too many issues have changed')));
});

test('a look that ends early has handled what had changed before, and goes on from there', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, log } = scene;
  await until('it is heard of', () => listHeardTo(log.db).size === 1);
  await scene.intake.stop();
  // Those opened last are listed first; what has changed first is read first.
  const start = Date.now() + 1_000;
  for (const n of [1, 2, 3]) {
    github.world.now = () => start + n * 1_000;
    github.openIssue(demo, ada, { title: 'x', body: `@errand fix ${n}` });
  }
  let away = true;
  github.intercept = ({ url = '' }, response) => {
    if (!away || !url.includes('/issues/3')) return false;
    response.writeHead(502).end();
    return true;
  };
  scene.look_ms = 20;
  await scene.restart();
  await until('two are heard', () => scene.tasks.length === 2);
  await until('it goes on from there', () => [...listHeardTo(log.db).values()][0] === iso(start + 2_000));
  away = false;
  await until('the third is heard', () => scene.tasks.length === 3);
  t.deepEqual(titles(scene), ['fix 1', 'fix 2', 'fix 3']);
});

const iso = (ms: number) => new Date(ms - (ms % 1_000)).toISOString();

/** All webhooks that the forge has sent. */
function sentBy({ github }: AnyIntake): SentHook[] {
  return 'hooks' in github ? github.hooks.sent : github.webhooks.hooks.sent;
}

testEachForge('a page in place of an answer loses nothing of what happened', async (t, kind) => {
  const scene = await intakeAt(t, kind);
  const { github, demo, ada } = scene;
  await scene.deliver();
  await scene.intake.stop();
  // So long ago that it is not read again by itself.
  github.world.now = () => Date.now() - 30_000;
  github.openIssue(demo, ada, { title: 'opened', body: '@errand mend it' });
  let pages = 0;
  github.intercept = ({ url = '' }, response) => {
    if (!/\/issues\/\d+$/.test(url) || pages === 2) return false;
    pages++;
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>We will be back soon.');
    return true;
  };
  scene.look_ms = 20;
  await scene.restart();
  await until('it was asked again', () => pages === 2 && scene.tasks.length === 1);
  t.deepEqual(titles(scene), ['mend it']);
});
