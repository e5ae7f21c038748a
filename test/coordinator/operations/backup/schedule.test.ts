import test, { type ExecutionContext } from 'ava';
import { BackupSchedule } from '../../../../coordinator/operations/backup/schedule.ts';
import { backupCheck, readBackupState } from '../../../../coordinator/operations/backup/state.ts';
import { createLogger } from '../../../../coordinator/base/logger.ts';
import { lockBackups } from '../../../../coordinator/sqlite/data-lock.ts';
import { dataFolder, settingsFor } from '../../../support/backups.ts';
import { startS3Stub } from '../../../support/s3-stub.ts';
import { until } from '../../../support/until.ts';

const HOUR_MS = 60 * 60 * 1000;

type Changed = { every_ms?: number; run_ms_max?: number; env?: Record<string, string> };

async function scene(t: ExecutionContext, options: Changed = {}) {
  const [data_dir, stub] = [await dataFolder(t), await startS3Stub(t)];
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => void lines.push(line) });
  const env = { PATH: process.env['PATH'] ?? '', ERRAND_DATA: data_dir, ...settingsFor(stub.destination) };
  const again = (changed: Changed) => {
    const schedule = new BackupSchedule({ data_dir, every_ms: HOUR_MS, env, logger, soon_ms: 1, ...changed });
    t.teardown(() => schedule.stop());
    return schedule;
  };
  return { data_dir, stub, lines, schedule: again(options), again };
}

const logged = (lines: string[], text: string): boolean => lines.some((line) => line.includes(text));

test('makes a backup soon where there is none, and the next in its time', async (t) => {
  const { stub, schedule, lines } = await scene(t, { every_ms: 1500 });
  t.deepEqual(schedule.check(), { ok: false, detail: 'there is no backup yet' });
  schedule.start();
  await until('two are made', () => stub.objects.size === 2, 60_000);
  await until('they are logged', () => logged(lines, 'a backup was made'));
  t.is(schedule.check().detail, 'the last good backup is 0 min old');
});

test('waits for its time where the last good one is young', async (t) => {
  const { data_dir, stub, schedule, lines, again } = await scene(t);
  schedule.start();
  await until('one is made', () => logged(lines, 'a backup was made'), 60_000);
  await schedule.stop();
  const began = stub.requests.length;
  const next = again({ every_ms: HOUR_MS });
  next.start();
  // One whose interval is over by then comes first, although it was started later.
  const other = again({ every_ms: 1 });
  other.start();
  await until('the other has made one', () => stub.objects.size === 2, 60_000);
  await other.stop();
  t.true(stub.requests.length > began);
  t.is(stub.objects.size, 2);
  t.not(readBackupState(data_dir).last_good, null);
});

test('a failure is logged with its cause, and told', async (t) => {
  const { stub, schedule, lines } = await scene(t);
  stub.fail({ status: 403, code: 'AccessDenied' });
  schedule.start();
  await until('it is logged', () => logged(lines, 'the backup failed'), 60_000);
  t.true(logged(lines, '"level":50'));
  t.true(logged(lines, '403 AccessDenied'));
  t.like(schedule.check(), { ok: false });
  t.regex(
    schedule.check().detail,
    /^there is no backup yet; at 2.*Z one failed: the server's log, or backup\.json, says why$/,
  );
  t.false(logged(lines, stub.destination.secret_access_key));
});

test('a run that takes too long is ended, and told of', async (t) => {
  const { stub, schedule, lines } = await scene(t, { run_ms_max: 4_000 });
  stub.fail('silent');
  schedule.start();
  await until('it is logged', () => logged(lines, 'the backup failed'), 60_000);
  t.true(logged(lines, 'It took longer than'));
  t.regex(schedule.check().detail, /one failed/);
});

test('a stop ends the run that is under way', async (t) => {
  const { stub, schedule, lines } = await scene(t);
  stub.fail('silent', { method: 'PUT' });
  schedule.start();
  await until('it sends', () => stub.requests.some((request) => request.startsWith('PUT')), 60_000);
  await schedule.stop();
  t.false(logged(lines, 'failed'));
});

test('another run under way is no failure, and the next try comes soon', async (t) => {
  const { data_dir, stub, schedule, lines } = await scene(t);
  // As one that outlived a server which was killed.
  const lock = lockBackups(data_dir);
  schedule.start();
  await until('it is told of', () => logged(lines, 'another backup is under way'));
  t.deepEqual(schedule.check(), { ok: false, detail: 'there is no backup yet' });
  lock?.release();
  await until('one is made', () => logged(lines, 'a backup was made'), 60_000);
  t.is(stub.objects.size, 1);
  t.false(logged(lines, 'failed'));
});

test('another run that does not end is told of as a failure', async (t) => {
  const { data_dir, schedule, lines } = await scene(t, { run_ms_max: 100, every_ms: 10 });
  const lock = lockBackups(data_dir);
  t.teardown(() => lock?.release());
  schedule.start();
  await until('it is logged', () => logged(lines, 'the backup failed'), 60_000);
  t.regex(schedule.check().detail, /one failed/);
});

test('a program that cannot be started is logged, and the server goes on', async (t) => {
  const { schedule, lines } = await scene(t, { env: { PATH: 'what no system takes: \0' } });
  schedule.start();
  await until('it is logged', () => logged(lines, 'It could not be started'));
  t.regex(schedule.check().detail, /one failed/);
});

test('the check tells the age of the last good one, and a failure that came after it', (t) => {
  const now = Date.parse('2026-11-24T12:00:00Z');
  const good = (at: string) => ({ at, name: 'x', bytes: 1, took_ms: 1 });
  const failure = { at: '2026-11-24T11:30:00.000Z', words: 'The disk is full.' };
  const check = (at: string | null, last_failure: typeof failure | null = null) =>
    backupCheck({ last_good: at === null ? null : good(at), last_failure }, HOUR_MS, now);
  t.deepEqual(check('2026-11-24T11:00:00.000Z'), { ok: true, detail: 'the last good backup is 60 min old' });
  t.deepEqual(check('2026-11-24T09:00:00.000Z'), { ok: false, detail: 'the last good backup is 3 h old' });
  t.deepEqual(check('2026-11-14T09:00:00.000Z'), { ok: false, detail: 'the last good backup is 10 days old' });
  t.like(check('2026-11-24T11:00:00.000Z', failure), {
    ok: true,
    detail: `the last good backup is 60 min old; at ${failure.at} one failed: the server's log, or backup.json, says why`,
  });
  t.is(check('2026-11-24T11:45:00.000Z', failure).detail, 'the last good backup is 15 min old');
  t.deepEqual(check('2027-11-24T11:45:00.000Z'), {
    ok: false,
    detail: 'the last good backup is of 2027-11-24T11:45:00.000Z, by a clock that ran ahead',
  });
  for (const ahead of ['2026-11-24T13:00:00.000Z', '2027-11-24T11:45:00.000Z'])
    t.regex(check(ahead, failure).detail, /; at 2026-11-24T11:30:00.000Z one failed/);
});
