import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { dataPathFault, WorkerDirectories, newWorkerName } from '../../../coordinator/workers/worker-directories.ts';
import { temporaryFolder } from '../../support/folder.ts';

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

test("a worker's directories are its own, and nobody else passes the folder above", async (t) => {
  const folders = new WorkerDirectories(await temporaryFolder(t), owner);
  const link = folders.makeLink(newWorkerName());
  const mode = (path: string) => statSync(path).mode & 0o777;
  t.is(mode(folders.workers_dir), 0o700);
  t.is(mode(link.coordinator_dir), 0o755);
  t.is(mode(link.worker_dir), 0o700);
  t.deepEqual(folders.listLinks(), [link.name]);
});

if (owner.uid === 0)
  test('as root, what the worker writes belongs to the worker, and the rest does not', async (t) => {
    const folders = new WorkerDirectories(await temporaryFolder(t), { uid: 1000, gid: 1000 });
    const link = folders.makeLink(newWorkerName());
    const workspace = folders.makeWorkspace(link.name);
    for (const path of [link.worker_dir, workspace, join(workspace, 'home'), join(workspace, 'spool')])
      t.is(statSync(path).uid, 1000, path);
    t.is(statSync(link.coordinator_dir).uid, 0);
  });

test('a workspace that is there is left as it is', async (t) => {
  const folders = new WorkerDirectories(await temporaryFolder(t), owner);
  const name = newWorkerName();
  const workspace = folders.makeWorkspace(name);
  writeFileSync(join(workspace, 'mine'), 'x');
  t.is(folders.makeWorkspace(name), workspace);
  t.is(readFileSync(join(workspace, 'mine'), 'utf8'), 'x');
});

test('removing follows no link that a worker left', async (t) => {
  const root = await temporaryFolder(t);
  const folders = new WorkerDirectories(join(root, 'data'), owner);
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

/** Who the test's process becomes where it is root: to root no folder is read-only. */
const NOBODY = 65534;

/** Runs this in a process that is not root, with the folders of `data_dir` as `folders`. */
async function runUnprivileged(data_dir: string, code: string): Promise<void> {
  const links = new URL('../../../coordinator/workers/worker-directories.ts', import.meta.url).href;
  const program = `import { WorkerDirectories } from '${links}'; const folders = new WorkerDirectories(process.argv[1], { uid: process.getuid(), gid: process.getgid() }); ${code}`;
  const as = owner.uid === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, '--', data_dir], {
    ...as,
    cwd: '/',
  });
}

test('folders that a worker made read-only are removed all the same, also by a user that is not root', async (t) => {
  const data_dir = await temporaryFolder(t);
  const folders = new WorkerDirectories(data_dir, owner.uid === 0 ? { uid: NOBODY, gid: NOBODY } : owner);
  const link = folders.makeLink(newWorkerName());
  const precious = join(data_dir, 'precious');
  mkdirSync(precious, { mode: 0o555 });
  for (const dir of [folders.makeWorkspace(link.name), link.worker_dir]) {
    const [outer, inner] = [join(dir, 'module'), join(dir, 'module', 'cache')];
    mkdirSync(inner, { recursive: true });
    writeFileSync(join(inner, 'file'), 'x', { mode: 0o444 });
    symlinkSync(precious, join(inner, 'out'));
    for (const [path, mode] of [
      [inner, 0],
      [outer, 0o555],
    ] as const) {
      chmodSync(path, mode);
      if (owner.uid === 0) chownSync(path, NOBODY, NOBODY);
    }
  }
  if (owner.uid === 0)
    for (const dir of [data_dir, precious, folders.workers_dir, folders.workspaces_dir, join(link.worker_dir, '..')])
      chownSync(dir, NOBODY, NOBODY);
  await runUnprivileged(data_dir, `await folders.removeWorkspace('${link.name}');`);
  t.deepEqual(folders.listWorkspaces(), []);
  await runUnprivileged(data_dir, `await folders.removeLink('${link.name}');`);
  t.deepEqual(folders.listLinks(), []);
  t.is(statSync(precious).mode & 0o777, 0o555);
});

test('a name that is not one of a worker names no folder', async (t) => {
  const folders = new WorkerDirectories(await temporaryFolder(t), owner);
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
  const { coordinator_socket } = new WorkerDirectories(longest, owner).makeLink(newWorkerName());
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(coordinator_socket, resolve);
  });
  t.true(existsSync(coordinator_socket));
  await new Promise((resolve) => server.close(resolve));
});
