import { join } from 'node:path';
import { rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { DiskSpace } from '../../../coordinator/operations/disk-space.ts';
import { DispatchGate } from '../../../coordinator/tasks/dispatch-gate.ts';
import { diskTest, mountDisk } from '../../support/disk.ts';
import { addTask, addUser, startServer } from '../../support/dispatching.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';
import { until } from '../../support/until.ts';

const MB = 1024 * 1024;

diskTest('a disk is short below the minimum, and has space again a quarter above it', async (t) => {
  const dir = mountDisk(t, join(await temporaryFolder(t), 'disk'), 16);
  const gate = new DispatchGate(SILENT);
  const disk = new DiskSpace({ dir, free_bytes_min: 8 * MB, gate, logger: SILENT });
  const releases: number[] = [];
  gate.onReleased(() => releases.push(disk.free_bytes ?? 0));
  const file = (name: string, mb: number) => writeFileSync(join(dir, name), Buffer.alloc(mb * MB));
  await disk.check();
  t.deepEqual([gate.of('disk'), disk.free_bytes], [null, 16 * MB]);
  file('a', 7);
  await disk.check();
  t.is(gate.of('disk'), null);
  file('b', 2);
  await disk.check();
  t.is(gate.of('disk'), "The server's disk is nearly full: 7.0 MB free; new errands wait until 10 MB are free.");
  rmSync(join(dir, 'b'));
  await disk.check();
  t.regex(gate.of('disk') ?? '', /9\.0 MB free/);
  rmSync(join(dir, 'a'));
  await disk.check();
  t.deepEqual([gate.of('disk'), releases], [null, [16 * MB]]);
});

test('free space that cannot be read holds dispatch, with the reason', async (t) => {
  const gate = new DispatchGate(SILENT);
  const disk = new DiskSpace({ dir: join(await temporaryFolder(t), 'gone'), free_bytes_min: 1, gate, logger: SILENT });
  await disk.check();
  t.regex(gate.fault ?? '', /cannot be read: ENOENT/);
  t.is(disk.free_bytes, undefined);
});

test('while the disk is short no attempt and no warm worker starts; running attempts continue', async (t) => {
  const server = await startServer(t, { warm_workers: 1 });
  const user = addUser(server.db);
  const running = addTask(server.db, user, { prompt: 'listen' });
  server.dispatcher.wake();
  await server.reaches(running.id, 'running');
  await until('a worker is warm', () => server.dispatcher.workers.warm === 1);
  server.gate.set('disk', 'The disk is short.');
  const queued = addTask(server.db, user);
  server.dispatcher.wake();
  server.say(running.id, 'go on');
  await server.reaches(running.id, 'succeeded');
  await until('its worker is removed', () => server.dispatcher.workers.at_work === 0);
  t.is(server.task(queued.id).status, 'queued');
  t.deepEqual(server.attempts(queued.id), []);
  server.gate.set('disk', null);
  await server.reaches(queued.id, 'succeeded');
});

test('dispatch is released when the last fault is cleared', (t) => {
  const gate = new DispatchGate(SILENT);
  const released: (string | null)[] = [];
  gate.onReleased(() => released.push(gate.fault));
  gate.set('runner', 'Docker does not answer.');
  gate.set('disk', 'The disk is short.');
  t.is(gate.fault, 'Docker does not answer. The disk is short.');
  gate.set('runner', null);
  t.deepEqual([gate.fault, released], ['The disk is short.', []]);
  gate.set('disk', null);
  t.deepEqual([gate.fault, released], [null, [null]]);
});
