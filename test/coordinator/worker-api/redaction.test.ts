import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Redactor } from '../../../coordinator/base/redactor.ts';
import { redactDeltas } from '../../../coordinator/worker-api/redact-callbacks.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { callerOf } from '../../support/callback-scene.ts';
import { addTask, addUser, startAttempt, taskOf } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { TestClient } from '../../support/test-client.ts';
import { startWorkerApiScene } from '../../support/worker-api-scene.ts';

const at = '2026-01-02T03:04:05.678Z';
const VALUE = 'tok-"Zq8\\r/Lw+X2u V7n0';
const IN_BASE64 = Buffer.from(`user:${VALUE}`).toString('base64');
const FORMS = [VALUE, JSON.stringify(VALUE), encodeURIComponent(VALUE), IN_BASE64];
const ALL = FORMS.join(' and ');
/** What must be nowhere: of base64 the part that the value alone decides. */
const CANARIES = [VALUE, JSON.stringify(VALUE).slice(1, -1), encodeURIComponent(VALUE), IN_BASE64.slice(8, -4)];

const usage = { input_tokens: 1, output_tokens: 1, cache_write_tokens: 0, cache_read_tokens: 0 };
const diff_stat = { files: 0, insertions: 0, deletions: 0 };
const log = (seq: number, text: string) => ({ seq, at, type: 'log', body: { level: 'info', text } });
const secrets = (...values: string[]) => Redactor.of(values.map((value) => ({ name: 'API_KEY', value })));

/** A worker whose task has these secrets, which the test may change; and a client that watches it. */
async function setUp(t: ExecutionContext, ...values: string[]) {
  const held = { redactor: secrets(...values) };
  const folder = await temporaryFolder(t);
  const scene = await startWorkerApiScene({ folder, redactorOf: () => held.redactor });
  t.teardown(scene.close);
  const user_id = addUser(scene.log);
  const { id: task_id } = addTask(scene.log, user_id);
  const worker = await callerOf(scene, task_id, startAttempt(scene.log, task_id));
  const client = await TestClient.subscribe(scene.socket_url, user_id, 0, task_id);
  const everything = async () => {
    const files = (await readdir(folder)).filter((name) => name.startsWith('errand.db'));
    const stored = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
    return stored.join('') + JSON.stringify(client.frames);
  };
  return { scene, task_id, worker, client, held, everything };
}

test('no form of a secret is stored or relayed, whatever callback and field brings it', async (t) => {
  const { scene, task_id, worker, client, everything } = await setUp(t, VALUE);
  const bodies: [type: string, body: object][] = [
    ['log', { level: 'info', text: ALL }],
    ['custom', { name: 'x', data: { [VALUE]: [ALL, { deep: ALL }] } }],
    ['plan.updated', { items: [{ text: ALL, status: 'pending' }] }],
    ['question.asked', { ref: VALUE, question: ALL }],
    ['tool.started', { turn: 1, ref: 'a', name: VALUE, input: { command: ALL } }],
  ];
  const events = bodies.map(([type, body], i) => ({ seq: i + 1, at, type, body }));
  const deltas = [{ ref: VALUE, kind: 'output', text: `${ALL} end.` }];
  const waiting_for = { kind: 'command', since: at, command: ALL };
  const sent: { status: number; body: unknown }[] = [];
  for (const event of events) sent.push(await worker.events([event], { deltas, waiting_for }));
  sent.push(await worker.heartbeat({ last_seq: 0, waiting_for: { kind: 'person', since: at, question: ALL } }));
  sent.push(await worker.result(events.length, { summary: ALL, detail: ALL, diff: `+${ALL}\n` }));
  t.deepEqual(
    sent.map(({ status }) => status),
    sent.map(() => 200),
    JSON.stringify(sent),
  );
  await client.until(() => client.of('delta').length >= events.length && taskOf(scene.log, task_id).result !== null);
  await client.until(() => JSON.stringify(client.frames).includes('task.result'));
  const all = await everything();
  for (const canary of CANARIES) t.false(all.includes(canary), canary);
  t.true(all.includes('[secret API_KEY] and'));
  t.is(taskOf(scene.log, task_id).plan[0]?.text.includes('[secret API_KEY]'), true);
});

test('a secret that deltas bring in parts is redacted, in each stream for itself', async (t) => {
  const { worker, client } = await setUp(t, VALUE);
  const deltas = `${VALUE}, ${VALUE}.`.split('').flatMap((text) => [
    { ref: 'a', kind: 'text', text },
    { ref: 'b', kind: 'output', text: `${text}|` },
  ]);
  await worker.events([log(1, 'x')]);
  for (let i = 0; i < deltas.length; i += 7) await worker.events([], { deltas: deltas.slice(i, i + 7) });
  const textOf = (ref: string) =>
    client
      .of('delta')
      .flatMap(({ deltas: got }) => got.filter((delta) => delta.ref === ref))
      .map(({ text }) => text)
      .join('');
  await client.until(() => textOf('a').endsWith('.') && textOf('b').endsWith('.|'));
  t.is(textOf('a'), '[secret API_KEY], [secret API_KEY].');
  t.is(
    textOf('b'),
    `${VALUE}, ${VALUE}.`
      .split('')
      .map((char) => `${char}|`)
      .join(''),
  );
});

test('a repeat is the same event after the secrets have changed, in any way; another event is not', async (t) => {
  const other = 'another-Secret-42';
  const repeated = log(1, `${VALUE} and ${other} at 12:34`);
  for (const [before, after] of [
    [[VALUE], [other]],
    [[VALUE], []],
    [[], [VALUE]],
    [[VALUE], [VALUE, other]],
    [[VALUE, other], [other]],
  ] as const) {
    const { worker, held } = await setUp(t, ...before);
    await worker.events([repeated]);
    held.redactor = secrets(...after);
    t.deepEqual((await worker.events([repeated, log(2, 'new')])).body, {
      acked_seq: 2,
      control: { messages: [], cancel: null },
    });
    t.is((await worker.events([log(1, `${VALUE} and ${other} at 12:35`)])).status, 409);
  }
});

test('masks never make an event, a diff or a field longer than it may be', async (t) => {
  const { worker } = await setUp(t, 'abcdefgh');
  const data = 'abcdefgh '.repeat(Math.floor((LIMITS.event_bytes_max - 200) / 9));
  t.is((await worker.events([{ seq: 1, at, type: 'custom', body: { name: 'x', data } }])).status, 200);
  t.is(
    (
      await worker.events([
        { seq: 2, at, type: 'plan.updated', body: { items: [{ text: 'abcdefgh '.repeat(33), status: 'done' }] } },
      ])
    ).status,
    200,
  );
  const diff = 'abcdefgh\n'.repeat(Math.floor(LIMITS.diff_bytes_max / 9));
  t.is((await worker.result(2, { diff })).status, 200);
});

test('thinking that was redacted has no signature any more, and the rest of an answer is unchanged', async (t) => {
  const { worker, client } = await setUp(t, VALUE);
  const content = [
    { type: 'thinking', thinking: 'nothing', signature: 'abc' },
    { type: 'thinking', thinking: `It is ${VALUE}`, signature: 'def' },
    { type: 'text', text: 'Done.' },
  ];
  const answered = { turn: 1, model: 'm', request_id: null, duration_ms: 1 };
  const body = { ...answered, ref: 'a', content, stop_reason: 'end_turn', usage };
  const answer = await worker.events([{ seq: 1, at, type: 'turn.finished', body }]);
  t.is(answer.status, 200, JSON.stringify(answer.body));
  const finished = () =>
    client
      .of('events')
      .flatMap(({ events }) => events)
      .find(({ type }) => type === 'turn.finished');
  await client.until(() => finished() !== undefined);
  t.deepEqual(finished()?.body['content'], [
    content[0],
    { type: 'thinking', thinking: 'It is [secret API_KEY]', signature: '' },
    content[2],
  ]);
});

test('a branch keeps its name, and a refusal does not repeat the secret', async (t) => {
  const { task_id, worker, everything } = await setUp(t, 'fix-the-door');
  const branch = `errand/${task_id}-fix-the-door`;
  const pushed = { seq: 1, at, type: 'branch.pushed', body: { branch, commit: 'c'.repeat(40), wip: false, diff_stat } };
  const answer = await worker.events([pushed]);
  t.is(answer.status, 200, JSON.stringify(answer.body));
  t.true((await everything()).includes(`"branch":"${branch}"`));
  const refused = await worker.events([{ ...log(2, 'x'), 'fix-the-door': 1 }]);
  t.is(refused.status, 400);
  t.false(JSON.stringify(refused.body).includes('fix-the-door'));
});

test('a secret where no mask can stand is refused, and the field is named', async (t) => {
  const { worker } = await setUp(t, '2026-01-02T03:04');
  const question = { seq: 1, at, type: 'question.asked', body: { ref: 'a', question: 'x', until: at } };
  const refused = await worker.events([question]);
  t.is(refused.status, 400);
  t.regex(JSON.stringify(refused.body), /events\/0\/body has a secret of the project/);
});

for (const [what, more, expected] of [
  ['the diff of a result', { diff: `+${VALUE}` }, 1],
  ['a line that a diff removes', { diff: `--- a/x\n+++ b/x\n@@ -1 +1 @@\n-${VALUE}\n+none` }, 0],
  ['an added line that begins like a header', { diff: `@@ -1 +1 @@\n--- a\n+++ ${VALUE}` }, 1],
  ['the name of a new file', { diff: `diff --git a/x b/x\n--- /dev/null\n+++ b/${VALUE}\n@@ -0,0 +1 @@\n+one` }, 1],
  [
    'the name of an old file',
    { diff: `@@ -1 +1 @@\n-one\n+two\ndiff --git a/x b/x\n--- a/${VALUE}\n+++ b/${VALUE}\n@@ -1 +1 @@\n-one\n+two` },
    0,
  ],
  ['a line that a diff leaves', { diff: `@@ -1,2 +1,2 @@\n ${VALUE}\n-one\n+two` }, 0],
  ['no diff, but the summary', { summary: VALUE, diff: '+x' }, 0],
] as const)
  test(`a secret in ${what} is told to the person ${expected} times for each attempt`, async (t) => {
    const { scene, worker, client } = await setUp(t, VALUE);
    await worker.events([log(1, 'x')]);
    for (let i = 0; i < 2; i++) t.is((await worker.result(1, more)).status, 200);
    await client.until(() => JSON.stringify(client.frames).includes('task.result'));
    const told = `SELECT count(*) FROM events WHERE type = 'task.result' AND json_extract(body, '$.warning') LIKE ?`;
    t.is(scene.log.db.prepare(told).pluck().get('A secret of the project stands in the changes.%'), expected);
  });

test('a large callback is redacted in another thread, as a small one is', async (t) => {
  const { scene, worker, everything, client } = await setUp(t, VALUE);
  const padding = 'x'.repeat(400_000);
  const data = { [VALUE]: `${ALL} ${padding}` };
  const deltas = [{ ref: 'a', kind: 'text', text: VALUE.slice(0, 9) }];
  t.is((await worker.events([{ seq: 1, at, type: 'custom', body: { name: 'x', data } }], { deltas })).status, 200);
  const rest = { ref: 'a', kind: 'text', text: `${VALUE.slice(9)}.` };
  t.is((await worker.events([], { deltas: [rest] })).status, 200);
  t.is((await worker.result(1, { summary: ALL, diff: `+${ALL}\n${padding}` })).status, 200);
  await client.until(() => client.of('delta').some((frame) => JSON.stringify(frame).includes('[secret API_KEY].')));
  await client.until(() => JSON.stringify(client.frames).includes('task.result'));
  const all = await everything();
  for (const canary of CANARIES) t.false(all.includes(canary), canary);
  t.is(scene.log.db.prepare("SELECT count(*) FROM events WHERE body LIKE '%[secret API_KEY]%'").pluck().get(), 2);
});

test('of the streams of a task the oldest are forgotten, where there are many or much is held back', (t) => {
  const long = `abcdefgh${'i'.repeat(8_000)}`;
  const redactor = secrets(VALUE, long);
  if (!redactor) return t.fail();
  const begin = (count: number, value: string) =>
    Array.from({ length: count }, (_, i) => ({ ref: `${i}`, kind: 'text' as const, text: value.slice(0, -1) }));
  const heldOf = (count: number, value: string) => [
    ...redactDeltas(redactor, new Map(), begin(count, value)).held.keys(),
  ];
  t.deepEqual(heldOf(32, VALUE).length, 32);
  t.deepEqual(heldOf(33, VALUE)[0], 'text 1');
  t.deepEqual(heldOf(8, long).length, 8);
  t.deepEqual(heldOf(9, long)[0], 'text 1');
});
