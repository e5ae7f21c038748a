import { execFileSync } from 'node:child_process';
import test from 'ava';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { CoordinatorClient } from '../../../agent-container/reporting/coordinator-client.ts';
import { classifyCallbackError, retryCallback } from '../../../agent-container/reporting/callback-errors.ts';
import type { WorkerEvent } from '../../../protocol/events.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { until } from '../../support/until.ts';
import { setReporterScene as scene } from '../../support/reporter-scene.ts';
import { SUCCEEDED } from '../../support/result.ts';

const started: WorkerEvent = { type: 'agent.started', body: { agent: 'test', version: '1', resumed: false } };
const log = (text: string): WorkerEvent => ({ type: 'log', body: { level: 'info', text } });
const never = new AbortController().signal;

test('an error with an unknown code is classified by its status', async (t) => {
  const folder = await temporaryFolder(t);
  const socket_path = join(folder, 'coordinator.sock');
  let status = 0;
  const server = createServer((_, response) => {
    const problem = { type: 'urn:errand:problem:of_later', title: 'of later', status, code: 'of_later' };
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
  });
  await once(server.listen(socket_path), 'listening');
  const client = new CoordinatorClient({ origin: 'http://coordinator', socket_path }, 'x', 'token');
  t.teardown(async () => {
    await client.close();
    server.close();
  });
  const classes: Record<number, string> = {};
  for (status of [400, 401, 402, 403, 404, 409, 413, 429, 500, 503, 507])
    await client
      .callback('heartbeat', '{}', never)
      .catch((error: unknown) => (classes[status] = classifyCallbackError(error)));
  const fatal = { 402: 'fatal', 403: 'fatal', 404: 'fatal', 409: 'fatal' };
  const transient = { 429: 'transient', 500: 'transient', 503: 'transient', 507: 'transient' };
  t.deepEqual(classes, { 400: 'malformed', 401: 'token_invalid', 413: 'malformed', ...fatal, ...transient });
});

test('events arrive in order, and those emitted together share a POST', async (t) => {
  const { reporter, task, posts } = await scene(t);
  await Promise.all([reporter.emit(started), reporter.emit(log('a')), reporter.emit(log('b'))]);
  await reporter.drained(never);
  t.deepEqual(
    task.events.map(({ seq }) => seq),
    [1, 2, 3],
  );
  t.is(posts(), 1);
  t.deepEqual(task.breaches, []);
});

test('the first event of a burst is sent at once, the rest in batches', async (t) => {
  const { reporter, posts, texts } = await scene(t);
  await reporter.emit(started);
  for (let i = 0; i < 200; i++) {
    await reporter.emit(log(String(i)));
    await new Promise(setImmediate);
  }
  await reporter.drained(never);
  t.deepEqual(
    texts(),
    Array.from({ length: 200 }, (_, i) => String(i)),
  );
  t.true(posts() < 100, `${posts()} POSTs`);
});

test('10,000 events arrive complete, in few POSTs, one POST at a time', async (t) => {
  const { reporter, task, posts } = await scene(t);
  await reporter.emit(started);
  for (let i = 0; i < 10_000; i++) void reporter.emit(log(`event ${i} ${'x'.repeat(300)}`));
  await reporter.drained(never);
  t.is(task.events.length, 10_001);
  t.true(task.events.every(({ seq }, i) => seq === i + 1));
  t.true(posts() < 60, `${posts()} POSTs`);
  t.deepEqual(task.breaches, []);
});

test('events are posted again if the reply is lost, which changes nothing', async (t) => {
  const { reporter, mock, task, texts } = await scene(t);
  await reporter.emit(started);
  mock.faults.add('events', { kind: 'lose' }, 3);
  await reporter.emit(log('once'));
  await reporter.drained(never);
  t.deepEqual(texts(), ['once']);
  t.is(task.current.calls.filter(({ name }) => name === 'events').length >= 4, true);
});

test('transient errors and cut connections are retried', async (t) => {
  const { reporter, mock, texts } = await scene(t);
  await reporter.emit(started);
  await reporter.drained(never);
  for (const status of [503, 500, 429, 502]) mock.faults.add('events', { kind: 'fail', status });
  mock.faults.add('events', { kind: 'cut' }, 2);
  const all = Array.from({ length: 50 }, (_, i) => String(i));
  for (const text of all) await reporter.emit(log(text));
  await reporter.drained(never);
  t.deepEqual(texts(), all);
});

test('a retry waits as long as Retry-After says', async (t) => {
  const { reporter, mock } = await scene(t);
  mock.faults.add('events', { kind: 'fail', status: 503, retry_after_s: 1 });
  const before = performance.now();
  await reporter.emit(started);
  await reporter.drained(never);
  t.true(performance.now() - before >= 990);
});

test('a restarted coordinator is found again by its socket', async (t) => {
  const { reporter, mock, texts } = await scene(t);
  await reporter.emit(started);
  await reporter.drained(never);
  await mock.stop();
  await reporter.emit(log('while it was down'));
  await mock.start();
  await reporter.drained(never);
  t.deepEqual(texts(), ['while it was down']);
});

test('the worker continues at the event that the coordinator expects', async (t) => {
  const { reporter, task, mock, spool } = await scene(t);
  await reporter.emit(started);
  await reporter.drained(never);
  // The coordinator has 2 already, from a POST whose response was lost.
  await mock.stop();
  await reporter.emit(log('2'));
  const text = spool.read(2, 1, 1e6)[0]?.text ?? '';
  task.callback('events', { attempt: 1, events: [JSON.parse(text) as unknown] }, 1);
  await reporter.emit(log('3'));
  await mock.start();
  await reporter.drained(never);
  t.deepEqual(
    task.events.map(({ seq }) => seq),
    [1, 2, 3],
  );
});

test('an event that the coordinator refuses is replaced by a log event', async (t) => {
  const { reporter, task } = await scene(t);
  await reporter.emit(started);
  const malformed: WorkerEvent = { type: 'plan.updated', body: { items: [{ text: '', status: 'pending' }] } };
  await Promise.all([reporter.emit(log('before')), reporter.emit(malformed), reporter.emit(log('after'))]);
  await reporter.drained(never);
  t.deepEqual(
    task.events.map(({ type }) => type),
    ['agent.started', 'log', 'log', 'log', 'log'],
  );
  t.regex(JSON.stringify(task.events[2]?.body), /refused an event .* number 3 is left out/);
  t.regex(JSON.stringify(task.events[4]?.body), /Event 3 was refused: .*body\/items/);
});

test('while the spool is full the work waits, and no event is lost', async (t) => {
  const { reporter, mock, texts, spool } = await scene(t, { spool_bytes_max: 20_000 });
  await reporter.emit(started);
  await reporter.drained(never);
  await mock.stop();
  let emitted = 0;
  const all = Array.from({ length: 30 }, (_, i) => `${i} ${'x'.repeat(2000)}`);
  const working = (async () => {
    for (const text of all) {
      await reporter.emit(log(text));
      emitted++;
    }
  })();
  await until('the spool is full', () => spool.waiting_bytes > 16_000);
  await new Promise(setImmediate);
  t.true(emitted < 15, `${emitted} were emitted`);
  await mock.start();
  await working;
  await reporter.drained(never);
  t.deepEqual(texts(), all);
});

test('messages and a cancel arrive in replies', async (t) => {
  const { reporter, task, controls } = await scene(t);
  const message = task.say('Use tabs.');
  task.cancel('enough');
  await reporter.emit(started);
  await reporter.drained(never);
  t.deepEqual(controls.at(-1), { messages: [message], cancel: { reason: 'enough' } });
});

test('deltas are sent after the events that they follow, and dropped when an event replaces them', async (t) => {
  const { reporter, task } = await scene(t);
  await reporter.emit(started);
  await reporter.emit({ type: 'turn.started', body: { turn: 1, ref: 't1', model: 'm' } });
  reporter.delta({ ref: 't1', kind: 'text', text: 'Hel' });
  reporter.delta({ ref: 't1', kind: 'text', text: 'lo' });
  await until('the delta came', () => task.current.deltas.length > 0);
  t.deepEqual(task.current.deltas, [{ delta: { ref: 't1', kind: 'text', text: 'Hello' }, after_seq: 2 }]);
  reporter.delta({ ref: 't1', kind: 'text', text: 'void' });
  await reporter.emit({
    type: 'turn.retried',
    body: { turn: 1, ref: 't1', reason: 'cut', retry_at: new Date().toISOString() },
  });
  await reporter.drained(never);
  t.is(task.current.deltas.length, 1);
});

test('while the coordinator is down deltas are dropped, so that memory is bounded', async (t) => {
  const { reporter, mock, task } = await scene(t);
  await reporter.emit(started);
  await reporter.drained(never);
  await mock.stop();
  for (let i = 0; i < 10_000; i++) reporter.delta({ ref: `r${i % 700}`, kind: 'output', text: 'x'.repeat(1000) });
  await mock.start();
  await reporter.emit(log('back'));
  await reporter.drained(never);
  const chars = task.current.deltas.reduce((sum, { delta }) => sum + delta.text.length, 0);
  t.true(chars <= 512 * 1024, `${chars} characters`);
});

test('the result is the last callback, after every event, and repeated if its reply is lost', async (t) => {
  const { reporter, mock, task } = await scene(t, { heartbeat_ms: 20 });
  await reporter.emit(started);
  mock.faults.add('events', { kind: 'fail', status: 503 }, 2);
  mock.faults.add('result', { kind: 'lose' });
  await reporter.emit(log('last'));
  await reporter.finish(SUCCEEDED, never);
  t.is(task.current.result?.last_seq, 2);
  t.is(task.current.calls.at(-1)?.name, 'result');
  t.deepEqual(task.breaches, []);
});

test('a result that is too large is posted without its diff', async (t) => {
  const { reporter, task } = await scene(t);
  await reporter.emit(started);
  await reporter.finish({ ...SUCCEEDED, diff: 'x'.repeat(5_000_000) }, never);
  t.is(task.current.result?.diff, '');
  t.true(task.current.result?.diff_truncated);
});

test('an event that is too large is shortened before it is numbered', async (t) => {
  const { reporter, task } = await scene(t);
  await reporter.emit(started);
  await reporter.emit({
    type: 'tool.finished',
    body: {
      turn: 1,
      ref: 'c1',
      name: 'run_command',
      is_error: false,
      content: [{ type: 'text', text: `head${'\u0001'.repeat(2_000_000)}tail` }],
      duration_ms: 1,
    },
  });
  await reporter.drained(never);
  const text = JSON.stringify(task.events[1]);
  t.is(task.events[1]?.type, 'tool.finished');
  t.true(Buffer.byteLength(text) < 1024 * 1024);
  t.regex(text, /head.*characters.*tail/);
});

test('work that still reports while the result is sent does not keep the result from being taken', async (t) => {
  const { reporter, mock, task } = await scene(t);
  await reporter.emit(started);
  mock.faults.add('result', { kind: 'fail', status: 503 });
  const finished = reporter.finish(SUCCEEDED, never);
  await until('the result was refused once', () => mock.calls.some(({ name }) => name === 'result'));
  await t.throwsAsync(reporter.emit(log('late')), { message: /no event can follow/ });
  await finished;
  t.is(task.current.result?.last_seq, 1);
  t.deepEqual(task.breaches, []);
});

test('an attachment whose transfer is cut is fetched again, and takes the place of a pipe', async (t) => {
  const folder = await temporaryFolder(t);
  const socket_path = join(folder, 'coordinator.sock');
  let calls = 0;
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': 10 });
    if (++calls > 1) return void response.end('0123456789');
    response.write('01234', () => response.destroy());
  });
  await once(server.listen(socket_path), 'listening');
  const client = new CoordinatorClient({ origin: 'http://coordinator', socket_path }, 'x', 'token');
  t.teardown(async () => {
    await client.close();
    server.close();
  });
  const path = join(folder, 'attachment');
  execFileSync('mkfifo', [path]);
  await retryCallback(() => client.fetchAttachment('a', path, never), never);
  t.is(await readFile(path, 'utf8'), '0123456789');
});
