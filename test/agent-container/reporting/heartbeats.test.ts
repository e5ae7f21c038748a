import test from 'ava';
import type { WorkerEvent } from '../../../protocol/events.ts';
import { until } from '../../support/until.ts';
import { setReporterScene as scene } from '../../support/reporter-scene.ts';

const started: WorkerEvent = { type: 'agent.started', body: { agent: 'test', version: '1', resumed: false } };
const log = (text: string): WorkerEvent => ({ type: 'log', body: { level: 'info', text } });
const never = new AbortController().signal;

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error);

test('a worker without events sends heartbeats, with what it waits for', async (t) => {
  const { reporter, task } = await scene(t, { heartbeat_ms: 30 });
  await reporter.emit(started);
  await reporter.drained(never);
  reporter.waitingFor({ kind: 'model', since: '2026-01-01T00:00:00.000Z' });
  await until('three heartbeats came', () => task.current.heartbeats.length >= 3);
  t.is(task.current.heartbeats.at(-1)?.last_seq, 1);
  t.is(task.current.heartbeats.at(-1)?.waiting_for?.kind, 'model');
});

test('what the worker waits for is sent at once, without an event', async (t) => {
  const { reporter, posts } = await scene(t);
  reporter.waitingFor({ kind: 'model', since: '2026-01-01T00:00:00.000Z' });
  await until('it was sent', () => posts() === 1);
  t.pass();
});

test('an expired token is renewed by a heartbeat, and the events are sent', async (t) => {
  const { reporter, task, client } = await scene(t);
  const old = client.token;
  task.tokens.expire();
  await reporter.emit(started);
  await reporter.drained(never);
  t.not(client.token, old);
  t.is(task.events.length, 1);
});

test('the attempt is lost if a heartbeat cannot renew the token', async (t) => {
  const { reporter, task, lost } = await scene(t);
  task.tokens.clear();
  await reporter.emit(started);
  await t.throwsAsync(reporter.drained(never));
  t.deepEqual(lost.map(codeOf), ['unauthenticated']);
});

test('a busy worker renews its token too', async (t) => {
  const { reporter, task, client } = await scene(t, { heartbeat_ms: 50 });
  await reporter.emit(started);
  task.renews_token = true;
  const old = client.token;
  await until('the token is new', async () => {
    await reporter.emit(log('busy'));
    return client.token !== old;
  });
  t.pass();
});

test('events are rejected as soon as the attempt is lost', async (t) => {
  const { reporter, task, lost } = await scene(t);
  await reporter.emit(started);
  await reporter.drained(never);
  task.nextAttempt();
  await reporter.emit(log('too late'));
  await until('it is lost', () => lost.length === 1);
  t.is(codeOf(lost[0]), 'stale_attempt');
  await t.throwsAsync(reporter.emit(log('later still')), { message: /stale/ });
});

test('a heartbeat that the coordinator refuses as malformed ends the attempt', async (t) => {
  const { mock, lost } = await scene(t, { heartbeat_ms: 20 });
  mock.faults.add('heartbeat', { kind: 'fail', status: 400 });
  await until('it is lost', () => lost.length === 1);
  t.is(codeOf(lost[0]), 'invalid');
});
