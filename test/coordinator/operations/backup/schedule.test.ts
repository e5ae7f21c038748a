import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BackupSchedule } from '../../../../coordinator/operations/backup/schedule.ts';
import { backupCheck, readBackupState } from '../../../../coordinator/operations/backup/state.ts';
import { createLogger } from '../../../../coordinator/base/logger.ts';
import { lockBackups } from '../../../../coordinator/sqlite/data-lock.ts';
import { dataFolder, settingsFor } from '../../../support/backups.ts';
import { temporaryFolder } from '../../../support/folder.ts';
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
    const schedule = new BackupSchedule({ data_dir, every_ms: HOUR_MS, env, logger, wait_ms_min: 1, ...changed });
    t.teardown(() => schedule.stop());
    return schedule;
  };
  return { data_dir, stub, lines, schedule: again(options), again };
}

const logged = (lines: string[], text: string): boolean => lines.some((line) => line.includes(text));

test('makes the first backup soon, and the next one after the interval', async (t) => {
  const { stub, schedule, lines } = await scene(t, { every_ms: 1500 });
  t.deepEqual(schedule.check(), { ok: false, detail: 'there is no backup yet' });
  schedule.start();
  await until('there are two backups', () => stub.objects.size === 2, 60_000);
  await until('they are logged', () => logged(lines, 'backup completed'));
  t.is(schedule.check().detail, 'the last good backup is 0 min old');
});

test('waits for the interval if the last good backup is recent', async (t) => {
  const { data_dir, stub, schedule, lines, again } = await scene(t);
  schedule.start();
  await until('there is one backup', () => logged(lines, 'backup completed'), 60_000);
  await schedule.stop();
  const began = stub.requests.length;
  const next = again({ every_ms: HOUR_MS });
  next.start();
  // Another schedule, whose interval is over, runs first, although it starts later.
  const other = again({ every_ms: 1 });
  other.start();
  await until('the other has made a backup', () => stub.objects.size === 2, 60_000);
  await other.stop();
  t.true(stub.requests.length > began);
  t.is(stub.objects.size, 2);
  t.not(readBackupState(data_dir).last_good, null);
});

test('a failure is logged with its reason, and shown by the check', async (t) => {
  const { stub, schedule, lines } = await scene(t);
  stub.fail({ status: 403, code: 'AccessDenied' });
  schedule.start();
  await until('it is logged', () => logged(lines, 'backup failed'), 60_000);
  t.true(logged(lines, '"level":50'));
  t.true(logged(lines, '403 AccessDenied'));
  t.like(schedule.check(), { ok: false });
  t.regex(
    schedule.check().detail,
    /^there is no backup yet; at 2.*Z one failed: the server's log, or backup\.json, says why$/,
  );
  t.false(logged(lines, stub.destination.secret_access_key));
});

test('a run that takes too long is killed, and counts as failed', async (t) => {
  const { stub, schedule, lines } = await scene(t, { run_ms_max: 4_000 });
  stub.fail('silent');
  schedule.start();
  await until('it is logged', () => logged(lines, 'backup failed'), 60_000);
  t.true(logged(lines, 'It took longer than'));
  t.regex(schedule.check().detail, /one failed/);
});

test('stop kills the current run', async (t) => {
  const { stub, schedule, lines } = await scene(t);
  stub.fail('silent', { method: 'PUT' });
  schedule.start();
  await until('it uploads', () => stub.requests.some((request) => request.startsWith('PUT')), 60_000);
  await schedule.stop();
  t.false(logged(lines, 'failed'));
});

test('another running backup is no failure, and is waited for', async (t) => {
  const { data_dir, stub, schedule, lines } = await scene(t);
  // It may have outlived a killed server.
  const lock = lockBackups(data_dir);
  schedule.start();
  await until('it is logged', () => logged(lines, 'another backup is running'));
  t.deepEqual(schedule.check(), { ok: false, detail: 'there is no backup yet' });
  lock?.release();
  await until('there is one backup', () => logged(lines, 'backup completed'), 60_000);
  t.is(stub.objects.size, 1);
  t.false(logged(lines, 'failed'));
});

test('another backup that never ends becomes a failure', async (t) => {
  const { data_dir, schedule, lines } = await scene(t, { run_ms_max: 100, every_ms: 10 });
  const lock = lockBackups(data_dir);
  t.teardown(() => lock?.release());
  schedule.start();
  await until('it is logged', () => logged(lines, 'backup failed'), 60_000);
  t.regex(schedule.check().detail, /one failed/);
});

test('a program that cannot be started is a failure, and does not throw', async (t) => {
  const { schedule, lines } = await scene(t, { env: { PATH: 'what no system takes: \0' } });
  schedule.start();
  await until('it is logged', () => logged(lines, 'It could not be started'));
  t.regex(schedule.check().detail, /one failed/);
});

test('a failure that an older version recorded does not hide the last good backup', async (t) => {
  const data_dir = await temporaryFolder(t);
  const last_good = { at: '2026-11-24T11:00:00.000Z', name: 'x', bytes: 1, took_ms: 1 };
  const last_failure = { at: '2026-11-24T12:00:00.000Z', words: 'The disk is full.' };
  writeFileSync(join(data_dir, 'backup.json'), JSON.stringify({ last_good, last_failure }));
  t.deepEqual(readBackupState(data_dir), { last_good, last_failure: null });
});

test('the check shows the age of the last good backup, and a newer failure', (t) => {
  const now = Date.parse('2026-11-24T12:00:00Z');
  const good = (at: string) => ({ at, name: 'x', bytes: 1, took_ms: 1 });
  const failure = { at: '2026-11-24T11:30:00.000Z', message: 'The disk is full.' };
  const check = (at: string | null, last_failure: typeof failure | null = null) =>
    backupCheck({ last_good: at === null ? null : good(at), last_failure }, HOUR_MS, now);
  t.deepEqual(check('2026-11-24T11:00:00.000Z'), { ok: true, detail: 'the last good backup is 60 min old' });
  t.deepEqual(check('2026-11-24T09:00:00.000Z'), { ok: false, detail: 'the last good backup is 3 h old' });
  t.deepEqual(check('2026-11-14T09:00:00.000Z'), { ok: false, detail: 'the last good backup is 10 days old' });
  t.like(check('2026-11-24T11:00:00.000Z', failure), {
    ok: false,
    detail: `the last good backup is 60 min old; at ${failure.at} one failed: the server's log, or backup.json, says why`,
  });
  t.deepEqual(check('2026-11-24T11:45:00.000Z', failure), { ok: true, detail: 'the last good backup is 15 min old' });
  t.deepEqual(check('2027-11-24T11:45:00.000Z'), {
    ok: false,
    detail: 'the last good backup is dated in the future (2027-11-24T11:45:00.000Z): check the clock',
  });
  for (const ahead of ['2026-11-24T13:00:00.000Z', '2027-11-24T11:45:00.000Z'])
    t.regex(check(ahead, failure).detail, /; at 2026-11-24T11:30:00.000Z one failed/);
});
