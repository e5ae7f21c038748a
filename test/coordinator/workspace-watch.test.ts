import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { diskTest, mountDisk } from '../support/disk.ts';
import { addTask, addUser, startServer } from '../support/dispatching.ts';
import { temporaryFolder } from '../support/folder.ts';
import { holdsWorkspaceBound, WORKSPACE_BYTES_MAX } from '../support/full-workspace.ts';
import { until } from '../support/until.ts';

const MB = 1024 * 1024;

test('an errand whose workspace outgrows its bound fails alone, and the workspace goes', async (t) => {
  await holdsWorkspaceBound(t, await startServer(t, { workspace_bytes_max: WORKSPACE_BYTES_MAX }));
});

diskTest('an errand that has filled the disk under the database fails once, and for that reason', async (t) => {
  const data_dir = mountDisk(t, join(await temporaryFolder(t), 'data'), 64);
  const server = await startServer(t, { data_dir, workspace_bytes_max: 48 * MB });
  const filler = addTask(server.db, addUser(server.db), { prompt: 'fill' });
  server.dispatcher.wake();
  await until('the disk is full to the last block', async () => (await statfs(data_dir)).bavail === 0);
  t.is(server.task(filler.id).status, 'running');
  server.holds.set('disk', 'The disk is short.');
  const failed = await server.reaches(filler.id, 'failed');
  t.like(failed, { reason: 'workspace_full', workspace: null });
  t.like(server.attempts(filler.id), { length: 1 });
  t.deepEqual(server.ended, [`${filler.id}/1`]);
  await until('its place is free', () => server.dispatcher.workers.at_work === 0);
  t.deepEqual(server.folders.listWorkspaces(), []);
});
