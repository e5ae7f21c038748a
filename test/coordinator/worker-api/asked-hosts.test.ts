import test from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { readKeys } from '../../../coordinator/base/keys.ts';
import { allowsHost } from '../../../coordinator/domain/egress-policy.ts';
import { findProject } from '../../../coordinator/sqlite/projects.ts';
import { withdrawMessage } from '../../../coordinator/tasks/message-commands.ts';
import { addMessage } from '../../../coordinator/tasks/task-commands.ts';
import { TaskSettings } from '../../../coordinator/tasks/task-settings.ts';
import { asksScene as scene, FIRST, held, hosts } from '../../support/asks-scene.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { NO_LINKS } from '../../support/no-links.ts';
import { until } from '../../support/until.ts';

const at = '2026-01-02T03:04:05.678Z';
const NO_TOKEN = { git_token: undefined, git_token_users: [], git_host: '' };

for (const [choose, said_then] of [
  ['no', []],
  ['once', ['[Errand] api.example.com may be reached now. Run the command again if you still need it.']],
] as const)
  test(`a host that is answered with '${choose}' leaves an errand parked that waits for another decision`, async (t) => {
    const all = await scene(t, {}, { ask_before_push: 1 });
    const { succeed, needs, answer, task, said } = all;
    await hosts(all)('api.example.com');
    await succeed(held(FIRST));
    const [host, push] = ['host', 'push'].map((kind) => needs().find((need) => need.kind === kind)?.id);
    answer({ choose: [choose] }, host);
    t.is(task().status, 'parked');
    t.deepEqual(
      needs().map(({ id }) => id),
      [push],
    );
    answer({ choose: ['approve'] }, push);
    t.is(task().status, 'queued');
    t.deepEqual(said(), said_then, 'it is told once it goes on');
  });

for (const choice of ['no', 'once'])
  test(`a host that is answered with '${choice}' just before the end leaves the question whether to push`, async (t) => {
    const all = await scene(t, {}, { ask_before_push: 1 });
    const { succeed, needs, answer, task } = all;
    await hosts(all)('api.example.com');
    answer({ choose: [choice] });
    await succeed(held(FIRST));
    t.is(task().status, 'parked');
    t.deepEqual(
      needs().map(({ kind }) => kind),
      ['push'],
    );
  });

test('a host that is answered just before the end is as one that is answered after it', async (t) => {
  for (const [choice, status] of [
    ['no', 'succeeded'],
    ['once', 'queued'],
  ] as const) {
    const all = await scene(t);
    await hosts(all)('api.example.com');
    all.answer({ choose: [choice] });
    await all.succeed();
    t.is(all.task().status, status);
  }
});

test('an errand that lost its message is as it had ended, also where a host was refused just before the end', async (t) => {
  const all = await scene(t);
  const { log, user_id, task_id, succeed, answer, task } = all;
  await hosts(all)('api.example.com');
  answer({ choose: ['no'] });
  await succeed();
  const { message_id } = log.write((tx) => addMessage(tx, user_id, task_id, { text: 'Go on.' }));
  t.is(task().status, 'queued');
  log.write((tx) => withdrawMessage(tx, user_id, { id: task_id, message_id }));
  t.is(task().status, 'succeeded');
});

test('the question about a host that registries lead to says why it is not allowed by itself', async (t) => {
  const all = await scene(t);
  await hosts(all)('github.com');
  t.regex(all.needs()[0]?.question ?? '', /services\.gradle\.org lead there, but anyone can upload .* May it\?$/);
});

for (const choice of ['once', 'project'] as const)
  test(`a host that is allowed ${choice} may be reached, and the worker is told`, async (t) => {
    const all = await scene(t);
    const { log, task_id, project_id, needs, answer, said } = all;
    const keys = readKeys(await temporaryFolder(t));
    const settings = new TaskSettings({ db: log.db, keys, config: NO_TOKEN, linked: NO_LINKS });
    const host = 'registry.example.org';
    await hosts(all)(host, host);
    t.deepEqual(
      needs().map(({ kind, host, options }) => [kind, host, options.map(({ value }) => value)]),
      [['host', host, ['once', 'project', 'no']]],
    );
    t.false(allowsHost(settings.egress(task_id), host));
    answer({ choose: [choice] });
    t.true(allowsHost(settings.egress(task_id), host));
    t.false(allowsHost(settings.egress(task_id), `x.${host}`));
    t.deepEqual(findProject(log.db, project_id)?.allowed_hosts, choice === 'project' ? [host] : []);
    t.regex(said()[0] ?? '', /registry\.example\.org may be reached now/);
  });

test('a host that is refused stays blocked, and is not asked for again', async (t) => {
  const all = await scene(t);
  await hosts(all)('tracker.example.org');
  all.answer({ choose: ['no'] });
  t.regex(all.said()[0] ?? '', /stays blocked/);
  await hosts(all)('tracker.example.org');
  t.deepEqual(all.needs(), []);
});

test('the number of hosts that a task asks for is limited, and its questions still come through', async (t) => {
  const all = await scene(t);
  await hosts(all)(...Array.from({ length: LIMITS.host_needs_per_task_max + 5 }, (_, i) => `h${i}.example.org`));
  t.is(all.needs().length, LIMITS.host_needs_per_task_max);
  await all.events([{ seq: 1, at, type: 'question.asked', body: { ref: 'q', question: 'Which?' } }]);
  t.is(all.needs().at(-1)?.kind, 'question');
});

test('a host is not waited for: the task ends, and goes on when it is allowed later', async (t) => {
  const all = await scene(t);
  await hosts(all)('registry.example.org');
  t.is(all.task().status, 'starting');
  await all.succeed();
  t.is(all.task().status, 'succeeded');
  all.answer({ choose: ['once'] });
  await until('it is queued', () => all.task().status === 'queued');
});
