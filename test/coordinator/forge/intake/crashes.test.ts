import test from 'ava';
import { ForgeApiError } from '../../../../coordinator/forge/forge-api-error.ts';
import { sql } from '../../../../coordinator/sqlite/database.ts';
import { addMessage } from '../../../../coordinator/tasks/task-commands.ts';
import type { Issue } from '../../../support/forge/world.ts';
import { IntakeScene } from '../../../support/forge/intake-scene.ts';
import { until } from '../../../support/until.ts';

test('a server that died after it wrote a comment finds it, and writes no second one', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, log } = scene;
  const issue = github.openIssue(demo, ada, { title: 'x', body: '@errand fix it' });
  await scene.deliver();
  t.is(issue.comments.length, 1);
  await scene.intake.stop();
  const lost = 'UPDATE forge_words SET comment_id = NULL, next_at = created_at, body = body || ?';
  log.write(({ db }) => sql(db, lost).run(' (changed)'));
  await scene.restart();
  await scene.settled();
  t.is(issue.comments.length, 1);
  t.regex(issue.comments[0]?.body ?? '', /\(changed\)$/);
});

test('a server that stops with deliveries that wait goes on with them, each once', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada } = scene;
  const issues = [1, 2, 3].map((n) => github.openIssue(demo, ada, { title: `${n}`, body: `@errand fix ${n}` }));
  await scene.intake.stop();
  for (const hook of github.hooks.sent) t.is(await scene.receive(hook), 'stored');
  await scene.restart();
  await scene.deliver();
  t.deepEqual(scene.tasks.map(({ title }) => title).sort(), ['fix 1', 'fix 2', 'fix 3']);
  await scene.restart();
  await scene.settled();
  t.is(scene.tasks.length, 3);
  for (const issue of issues) t.is(issue.comments.length, 1);
});

test('a comment that the forge does not take any more is given up, and the next one is written', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada } = scene;
  const issue = github.openIssue(demo, ada, { title: 'x', body: '@errand fix it' });
  await scene.deliver();
  issue.comments.length = 0;
  await scene.work(scene.task.id, 'Done.');
  t.is(issue.comments.length, 0);
  github.comment(demo, issue, ada, '@errand again');
  await scene.deliver();
  t.regex(issue.comments.at(-1)?.body ?? '', /has been started/);
});

test('where a person may not change the comment of an app that is gone, the words come anew, once', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, log } = scene;
  const issue = github.openIssue(demo, ada, { title: 'x', body: '@errand fix it' });
  await scene.deliver();
  t.deepEqual(authors(issue), ['errand[bot]']);
  github.apps.installations.slice().forEach((installation) => github.apps.uninstall(installation));
  await scene.work(scene.task.id, 'Done.');
  t.deepEqual(authors(issue), ['errand[bot]', 'ada']);
  t.regex(issue.comments[1]?.body ?? '', /Done\./);
  await scene.intake.stop();
  const lost = 'UPDATE forge_words SET comment_id = NULL, next_at = created_at, body = body || ?';
  log.write(({ db }) => sql(db, lost).run(' (changed)'));
  await scene.restart();
  await scene.settled();
  t.is(issue.comments.length, 2, 'the newer one is found');
  t.regex(issue.comments[1]?.body ?? '', /\(changed\)$/);
});

test('the end of an errand that took long is written although the forge fails more than once then', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, log } = scene;
  const issue = github.openIssue(demo, ada, { title: 'x', body: '@errand fix it' });
  await scene.deliver();
  log.write(({ db }) => sql(db, `UPDATE forge_words SET created_at = '2026-01-01T00:00:00.000Z'`).run());
  let failures = 0;
  github.intercept = ({ method }, response) => {
    if (method !== 'PATCH' || ++failures > 3) return false;
    response.writeHead(502).end();
    return true;
  };
  await scene.work(scene.task.id, 'Done.');
  t.is(failures, 4);
  t.regex(issue.comments[0]?.body ?? '', /Done\./);
});

test('while the key of the app is refused its comment waits for it, so that there is no second one', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada } = scene;
  const issue = github.openIssue(demo, ada, { title: 'x', body: '@errand fix it' });
  await scene.deliver();
  scene.key_fault = new ForgeApiError('app_refused', 'The key of the app is not accepted.');
  const worked = scene.work(scene.task.id, 'Done.');
  await until('it was tried', () => scene.lines.some((line) => line.includes('queue entry failed')));
  scene.key_fault = undefined;
  await worked;
  t.deepEqual(authors(issue), ['errand[bot]']);
  t.regex(issue.comments[0]?.body ?? '', /Done\./);
});

test('where the key of the app is refused for long, its words come anew, once', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada } = scene;
  const issue = github.openIssue(demo, ada, { title: 'x', body: '@errand fix it' });
  await scene.deliver();
  scene.key_fault = new ForgeApiError('app_refused', 'The key of the app is not accepted.');
  await scene.work(scene.task.id, 'Done.');
  t.deepEqual(authors(issue), ['errand[bot]', 'ada']);
  scene.key_fault = undefined;
  scene.log.write((tx) => addMessage(tx, scene.user_id, scene.task.id, { text: 'Go on' }));
  await scene.work(scene.task.id, 'Done again.');
  t.deepEqual(authors(issue), ['errand[bot]', 'ada']);
  t.regex(issue.comments[1]?.body ?? '', /Done again\./);
});

const authors = ({ comments }: Issue) => comments.map(({ author }) => author.login);
