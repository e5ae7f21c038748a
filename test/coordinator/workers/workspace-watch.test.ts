import { closeSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { pino } from 'pino';
import { DispatchGate } from '../../../coordinator/tasks/dispatch-gate.ts';
import { sizeFault, WorkspaceWatch, type MeasuredWorkspace } from '../../../coordinator/workers/workspace-watch.ts';
import { CuttableDisk } from '../../support/cuttable-disk.ts';
import { diskTest, mountDisk, powerTest } from '../../support/disk.ts';
import { addTask, addUser, startServer } from '../../support/dispatching.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';
import { assertWorkspaceLimit, WORKSPACE_BYTES_MAX } from '../../support/workspace-limit.ts';
import { until } from '../../support/until.ts';

const MB = 1024 * 1024;

test('only the errand whose workspace exceeds its limit fails, and the workspace is removed', async (t) => {
  await assertWorkspaceLimit(t, await startServer(t, { workspace_bytes_max: WORKSPACE_BYTES_MAX }));
});

test('files that a worker writes outside its workspace count too', async (t) => {
  await assertWorkspaceLimit(t, await startServer(t, { workspace_bytes_max: WORKSPACE_BYTES_MAX }), 'fill-link');
});

test('a workspace is too large by its bytes, by its files, or if it cannot be measured', (t) => {
  t.is(sizeFault({ bytes: 50 * MB, files: 1_000_000 }, 50 * MB), null);
  t.is(sizeFault({ bytes: 51 * MB, files: 1 }, 50 * MB), 'The workspace has grown to 51 MB; the server allows 50 MB.');
  t.is(
    sizeFault({ bytes: 0, files: 1_000_001 }, 50 * MB),
    'The workspace has grown to 1000001 files; the server allows 1000000.',
  );
  const uncountable = 'The workspace has too many files to measure within 60 s.';
  t.is(sizeFault({ bytes: Infinity, files: 1 }, 50 * MB), uncountable);
  t.is(sizeFault({ bytes: 1, files: Infinity }, 50 * MB), uncountable);
});

test('a measurement that could not start is logged, and the next one runs', async (t) => {
  const dir = await temporaryFolder(t);
  const lines: string[] = [];
  const logger = pino({}, { write: (line) => void lines.push(line) });
  const gate = new DispatchGate(logger);
  gate.set('disk', 'The disk is short.');
  const details: string[] = [];
  let looks = 0;
  const failing = {
    task_id: 'it',
    key: {},
    written: () => Promise.resolve(undefined),
    get dirs(): string[] {
      looks += 1;
      if (looks === 1) throw new Error('spawn ENOMEM');
      return [dir];
    },
    tooLarge: (detail: string) => void details.push(detail),
  };
  const attempts = { measured: () => [failing] };
  const watch = new WorkspaceWatch({ bytes_max: 0, gate, logger, attempts });
  t.teardown(() => watch.stop());
  watch.start();
  await until('the next one ran', () => details.length > 0);
  t.regex(details[0] ?? '', /^The workspace has grown to/);
  t.is(lines.filter((line) => line.includes('spawn ENOMEM')).length, 1);
});

test('a worker whose writes cannot be counted is logged once', async (t) => {
  const dir = await temporaryFolder(t);
  const lines: string[] = [];
  const logger = pino({}, { write: (line) => void lines.push(line) });
  const gate = new DispatchGate(logger);
  gate.set('disk', 'The disk is short.');
  let counts = 0;
  const written = () => {
    counts += 1;
    return Promise.reject(new Error('no such process'));
  };
  const uncounted = { task_id: 'it', key: {}, written, dirs: [dir], tooLarge: () => undefined };
  const watch = new WorkspaceWatch({ bytes_max: 1024 ** 4, gate, logger, attempts: { measured: () => [uncounted] } });
  t.teardown(() => watch.stop());
  watch.start();
  await until('it was asked twice', () => counts > 1, 30_000);
  t.is(lines.filter((line) => line.includes('cannot be counted')).length, 1);
});

diskTest('who fills the disk is blamed although another cannot be measured, which is blamed later', async (t) => {
  const disk = mountDisk(t, join(await temporaryFolder(t), 'disk'), 64);
  const gate = new DispatchGate(SILENT);
  // It is measured more often then.
  gate.set('disk', 'The disk is short.');
  const honest = hidingWorker(disk, 'honest', 0);
  const filler = hidingWorker(disk, 'filler', 20 * MB);
  const unmeasured = hidingWorker(disk, 'unmeasured', 15 * MB);
  t.teardown(() => [filler, unmeasured].forEach(({ free }) => free()));
  let rounds = 0;
  const measured = () => {
    rounds += 1;
    if (rounds === 2) for (const { hide } of [filler, unmeasured]) hide();
    // No process can be started with such an argument.
    const failing = { ...unmeasured.measured, dirs: ['\0'] };
    return [honest.measured, filler.measured, failing].filter(({ task_id }) => !blamed.has(task_id));
  };
  const blamed = new Map<string, string>();
  for (const { measured: one, free } of [honest, filler, unmeasured])
    one.tooLarge = (detail) => {
      blamed.set(one.task_id, detail);
      free();
    };
  const watch = new WorkspaceWatch({ bytes_max: 10 * MB, gate, logger: SILENT, attempts: { measured } });
  t.teardown(() => watch.stop());
  watch.start();
  await until('both are blamed', () => blamed.size === 2, 30_000);
  t.deepEqual([...blamed.keys()], ['filler', 'unmeasured']);
  t.regex(blamed.get('filler') ?? '', /^The worker has filled 20 MB of the disk with files that are in no folder/);
  t.regex(blamed.get('unmeasured') ?? '', /^The workspace could not be measured 3 times in a row, .* up to 15 MB/);
});

/** A worker that can fill the disk with an unlinked, open file of this many bytes. */
function hidingWorker(disk: string, task_id: string, bytes: number) {
  const dir = join(disk, task_id);
  mkdirSync(dir);
  let file: number | undefined;
  const measured: MeasuredWorkspace = {
    task_id,
    key: {},
    dirs: [dir],
    written: () => Promise.resolve(file === undefined ? 0 : bytes),
    tooLarge: () => undefined,
  };
  const hide = () => {
    file = openSync(join(dir, 'hidden'), 'w');
    writeSync(file, Buffer.alloc(bytes));
    unlinkSync(join(dir, 'hidden'));
  };
  const free = () => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return { measured, hide, free };
}

diskTest('an errand that has filled the disk under the database fails once, and for that reason', async (t) => {
  const data_dir = mountDisk(t, join(await temporaryFolder(t), 'data'), 64);
  const server = await startServer(t, { data_dir, workspace_bytes_max: 48 * MB });
  const filler = addTask(server.db, addUser(server.db), { prompt: 'fill' });
  server.dispatcher.wake();
  await until('the disk is full to the last block', async () => (await statfs(data_dir)).bavail === 0);
  t.is(server.task(filler.id).status, 'running');
  server.gate.set('disk', 'The disk is short.');
  const failed = await server.reaches(filler.id, 'failed');
  t.like(failed, { reason: 'workspace_full', workspace: null });
  t.like(server.attempts(filler.id), { length: 1 });
  t.deepEqual(server.ended, [`${filler.id}/1`]);
  await until('its slot is free', () => server.dispatcher.workers.at_work === 0);
  t.deepEqual(server.workspaces.list(), []);
});

powerTest(
  'an errand that fills the disk with an unlinked, open file is ended with the reason, and the space is free',
  async (t) => {
    const disk = new CuttableDisk(join(await temporaryFolder(t), 'image'), 400);
    t.teardown(() => disk.remove());
    const server = await startServer(t, { data_dir: disk.dir, workspace_bytes_max: 200 * MB });
    const user = addUser(server.db);
    const [other, filler] = ['listen', 'fill-hidden'].map((prompt) => addTask(server.db, user, { prompt }));
    server.gate.set('disk', null);
    server.dispatcher.wake();
    await server.reaches(filler?.id ?? '', 'running');
    // A short disk is measured more often.
    server.gate.set('disk', 'The disk is short.');
    const failed = await server.reaches(filler?.id ?? '', 'failed', 60_000);
    t.is(failed.reason, 'workspace_full');
    t.regex(failed.detail ?? '', /^The worker has filled \d+ MB of the disk with files that are in no folder any more/);
    await until('the space is free', async () => {
      const { bavail, bsize } = await statfs(disk.dir);
      return bavail * bsize > 300 * MB;
    });
    t.is(server.task(other?.id ?? '').status, 'running');
    server.say(other?.id ?? '', 'go on');
    await server.reaches(other?.id ?? '', 'succeeded');
  },
);
