import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { dataPathFault, Folders, newWorkerName } from '../../coordinator/links.ts';
import { temporaryFolder } from '../support/folder.ts';

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

test("a worker's directories are its own, and nobody else passes the folder above", async (t) => {
  const folders = new Folders(await temporaryFolder(t), owner);
  const link = folders.makeLink(newWorkerName());
  const mode = (path: string) => statSync(path).mode & 0o777;
  t.is(mode(folders.workers_dir), 0o700);
  t.is(mode(link.coordinator_dir), 0o755);
  t.is(mode(link.worker_dir), 0o700);
  t.deepEqual(folders.listLinks(), [link.name]);
});

if (owner.uid === 0)
  test('as root, what the worker writes belongs to the worker, and the rest does not', async (t) => {
    const folders = new Folders(await temporaryFolder(t), { uid: 1000, gid: 1000 });
    const link = folders.makeLink(newWorkerName());
    const workspace = folders.makeWorkspace(link.name);
    for (const path of [link.worker_dir, workspace, join(workspace, 'home'), join(workspace, 'spool')])
      t.is(statSync(path).uid, 1000, path);
    t.is(statSync(link.coordinator_dir).uid, 0);
  });

test('a workspace that is there is left as it is', async (t) => {
  const folders = new Folders(await temporaryFolder(t), owner);
  const name = newWorkerName();
  const workspace = folders.makeWorkspace(name);
  writeFileSync(join(workspace, 'mine'), 'x');
  t.is(folders.makeWorkspace(name), workspace);
  t.is(readFileSync(join(workspace, 'mine'), 'utf8'), 'x');
});

test('removing follows no link that a worker left', async (t) => {
  const root = await temporaryFolder(t);
  const folders = new Folders(join(root, 'data'), owner);
  const precious = join(root, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'file'), 'x');
  const link = folders.makeLink(newWorkerName());
  const workspace = folders.makeWorkspace(link.name);
  symlinkSync(precious, join(link.worker_dir, 'out'));
  symlinkSync(precious, join(workspace, 'repo'));
  await folders.removeLink(link.name);
  await folders.removeWorkspace(link.name);
  t.false(existsSync(link.worker_dir));
  t.false(existsSync(workspace));
  t.true(existsSync(join(precious, 'file')));
});

test('a name that is not one of a worker names no folder', async (t) => {
  const folders = new Folders(await temporaryFolder(t), owner);
  for (const name of ['../../etc', 'errand-', 'errand-0123456789/..', '']) t.throws(() => folders.link(name));
});

test('a data folder whose path is too long for a socket is named at the start, and the longest that is not serves', async (t) => {
  const root = await temporaryFolder(t);
  const fault = dataPathFault(join(root, 'x'.repeat(60))) ?? '';
  t.regex(fault, /bytes too many: .*Set ERRAND_DATA to a folder with a shorter path \(\d+ bytes at most\)/);
  const most = Number(/(\d+) bytes at most/.exec(fault)?.[1]);
  const longest = join(root, 'x'.repeat(most - root.length - 1));
  t.is(longest.length, most);
  t.is(dataPathFault(longest), null);
  t.truthy(dataPathFault(`${longest}x`));
  const { coordinator_socket } = new Folders(longest, owner).makeLink(newWorkerName());
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(coordinator_socket, resolve);
  });
  t.true(existsSync(coordinator_socket));
  await new Promise((resolve) => server.close(resolve));
});
