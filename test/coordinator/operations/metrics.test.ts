import { join } from 'node:path';
import test from 'ava';
import { DiskSpace } from '../../../coordinator/operations/disk-space.ts';
import { DispatchGate } from '../../../coordinator/tasks/dispatch-gate.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { SILENT } from '../../support/silent.ts';
import { Metrics } from '../../../coordinator/operations/metrics.ts';
import { Relay } from '../../../coordinator/live/relay.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { readQueue, STATS } from '../../../coordinator/sqlite/stats.ts';
import { Counters } from '../../../coordinator/operations/counters.ts';
import { Api } from '../../support/api.ts';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { addTask, addUser } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { setupCodeOf } from '../../support/setup-code.ts';

const TOKEN = 'the-token-of-the-operator';

/** Parses the Prometheus text format: the value of each name with its labels. Throws on an invalid line. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.trimEnd().split('\n')) {
    if (/^# (HELP|TYPE) [a-z_]+ \S/.test(line)) continue;
    const [, name = '', value] =
      /^([a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})?) (-?[\d.e+-]+)$/.exec(line) ?? [];
    if (name === '' || samples.has(name)) throw new Error(`Invalid or repeated sample: ${line}`);
    samples.set(name, Number(value));
  }
  return samples;
}

test('the metrics need their token, and are off if no token is set', async (t) => {
  const { url } = await startApi(t, { ERRAND_METRICS_TOKEN: TOKEN });
  t.is((await new Api(url).refused('metrics', {})).code, 'unauthenticated');
  t.is((await new Api(url, 'another-token').refused('metrics', {})).code, 'unauthenticated');
  const response = await new Api(url, TOKEN).send('metrics', {});
  t.is(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const other = await startApi(t);
  t.is((await new Api(other.url, TOKEN).refused('metrics', {})).code, 'not_found');
});

test('reports tasks, workers and disk', async (t) => {
  const data_dir = await temporaryFolder(t);
  const server = CoordinatorProcess.start(t, data_dir, {
    ERRAND_RUNNER: 'process',
    ERRAND_METRICS_TOKEN: TOKEN,
  });
  const url = await server.url();
  const [api, operator] = [new Api(url), new Api(url, TOKEN)];
  const account = { email: 'ann@example.org', password: 'correct horse battery' };
  const session = await api.call('signup', { body: { ...account, setup_code: setupCodeOf(data_dir) } });
  api.token = session.access_token;
  const { id } = await api.call('createTask', { body: { prompt: 'Make the tests pass', repo_url: 'errand://sample' } });
  await until(
    'it has succeeded',
    async () => (await api.call('getTask', { params: { id } })).status === 'succeeded',
    60_000,
  );
  const samples = await until('its worker is removed', async () => {
    const read = samplesOf(await operator.call('metrics', {}));
    return read.get('errand_workers{state="at_work"}') === 0 && read;
  });
  t.is(samples.get('errand_attempts_ended_total{status="succeeded",reason=""}'), 1);
  t.is(samples.get('errand_task_changes_total{to="succeeded"}'), 1);
  t.is(samples.get('errand_tasks{status="queued"}'), 0);
  t.is(samples.get('errand_held{part="disk"}'), 0);
  t.true((samples.get('errand_events_stored_total') ?? 0) > 10);
  t.is(samples.get('errand_last_event_id'), samples.get('errand_events_stored_total'));
  for (const name of ['errand_database_bytes', 'errand_wal_bytes', 'errand_disk_free_bytes'])
    t.true((samples.get(name) ?? 0) >= 4096, name);
  t.true(samples.has('errand_event_loop_delay_seconds{quantile="0.99"}'));
});

test('reports held dispatch, refused calls and the time of the last backup', async (t) => {
  const dir = await temporaryFolder(t);
  const db = openTestDatabase(join(dir, 'errand.db'));
  t.teardown(() => db.close());
  const gate = new DispatchGate(SILENT);
  const log = new EventLog({ db, logger: SILENT });
  const counters = new Counters(log);
  for (let i = 0; i < 2; i++) counters.refused.add({ code: 'stale_attempt' });
  gate.set('runner', 'Docker does not answer.');
  const succeeded_at = '2026-11-24T11:00:00.250Z';
  const metrics = new Metrics({
    db,
    gate,
    disk: new DiskSpace({ dir, free_bytes_min: 1, gate, logger: SILENT }),
    relay: new Relay(log, { fault: null }),
    counters,
    workers: () => ({ warm: 1, at_work: 2 }),
    info: { epoch: 'with "quotes", a \\ and\na line' },
    backup: () => ({ succeeded_at, failed_at: null }),
  });
  metrics.start();
  t.teardown(() => metrics.stop());
  const samples = samplesOf(await metrics.read());
  t.is(samples.get('errand_info{epoch="with \\"quotes\\", a \\\\ and\\na line"}'), 1);
  t.is(samples.get('errand_held{part="runner"}'), 1);
  t.is(samples.get('errand_worker_calls_refused_total{code="stale_attempt"}'), 2);
  t.is(samples.get('errand_workers{state="warm"}'), 1);
  t.is(samples.get('errand_backup_last_success_timestamp_seconds'), Date.parse(succeeded_at) / 1000);
  t.is(samples.get('errand_backup_last_failure_timestamp_seconds'), 0);
  t.false(samples.has('errand_disk_free_bytes'), 'the disk was not checked yet');
});

test('an errand that waits for a limit does not make the queue old', async (t) => {
  const log = new EventLog({ db: openTestDatabase(join(await temporaryFolder(t), 'errand.db')), logger: SILENT });
  t.teardown(() => log.db.close());
  const user_id = addUser(log);
  addTask(log, user_id, { queued_at: '2026-11-01T09:00:00.000Z', retry_at: '2026-11-08T09:00:00.000Z' });
  t.deepEqual(readQueue(log.db), { n: 1, oldest: null });
  addTask(log, user_id, { queued_at: '2026-11-01T10:00:00.000Z' });
  t.deepEqual(readQueue(log.db), { n: 2, oldest: '2026-11-01T10:00:00.000Z' });
});

test('no metric scans all tasks or events', async (t) => {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  for (const [name, text] of Object.entries(STATS)) {
    const plan = db.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all();
    t.true(
      plan.every(({ detail }) => /INDEX tasks_(active|queued)\b/.test(detail)),
      `${name}: ${plan.map(({ detail }) => detail).join('; ')}`,
    );
  }
});
