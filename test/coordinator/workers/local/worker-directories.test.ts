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
import { dataPathFault, WorkerDirectories } from '../../../../coordinator/workers/local/worker-directories.ts';
import { newWorkerName } from '../../../../coordinator/workers/worker-name.ts';
import { Workspaces } from '../../../../coordinator/workers/workspaces.ts';
import { temporaryFolder } from '../../../support/folder.ts';

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

test("a worker's directories belong to it, and no other user can enter the folder above", async (t) => {
  const directories = new WorkerDirectories(await temporaryFolder(t), owner);
  const name = newWorkerName();
  const made = directories.make(name);
  const mode = (path: string) => statSync(path).mode & 0o777;
  t.is(mode(directories.workers_dir), 0o700);
  t.is(mode(made.coordinator_dir), 0o711);
  t.is(mode(made.worker_dir), 0o700);
  t.deepEqual(directories.list(), [name]);
});

if (owner.uid === 0)
  test('as root, the worker owns what it may write, and nothing else', async (t) => {
    const data_dir = await temporaryFolder(t);
    const worker = { uid: 1000, gid: 1000 };
    const name = newWorkerName();
    const made = new WorkerDirectories(data_dir, worker).make(name);
    const workspace = new Workspaces(data_dir).make(name, worker);
    for (const path of [made.worker_dir, workspace, join(workspace, 'home'), join(workspace, 'spool')])
      t.is(statSync(path).uid, 1000, path);
    t.is(statSync(made.coordinator_dir).uid, 0);
  });

test('an existing workspace is not changed', async (t) => {
  const workspaces = new Workspaces(await temporaryFolder(t));
  const name = newWorkerName();
  const workspace = workspaces.make(name, owner);
  writeFileSync(join(workspace, 'mine'), 'x');
  t.is(workspaces.make(name, owner), workspace);
  t.is(readFileSync(join(workspace, 'mine'), 'utf8'), 'x');
});

test('removing follows no link that a worker left', async (t) => {
  const root = await temporaryFolder(t);
  const directories = new WorkerDirectories(join(root, 'data'), owner);
  const workspaces = new Workspaces(join(root, 'data'));
  const precious = join(root, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'file'), 'x');
  const name = newWorkerName();
  const made = directories.make(name);
  const workspace = workspaces.make(name, owner);
  symlinkSync(precious, join(made.worker_dir, 'out'));
  symlinkSync(precious, join(workspace, 'repo'));
  await directories.remove(name);
  await workspaces.remove(name);
  t.false(existsSync(made.worker_dir));
  t.false(existsSync(workspace));
  t.true(existsSync(join(precious, 'file')));
});

/** The user of the test's process if it is root: for root no folder is read-only. */
const NOBODY = 65534;

/** Runs code in a process that is not root, with the `directories` and `workspaces` of the data folder. */
async function runUnprivileged(data_dir: string, code: string): Promise<void> {
  const path = (name: string) => new URL(`../../../../coordinator/workers/${name}.ts`, import.meta.url).href;
  const program = `import { WorkerDirectories } from '${path('local/worker-directories')}';
    import { Workspaces } from '${path('workspaces')}';
    const owner = { uid: process.getuid(), gid: process.getgid() };
    const directories = new WorkerDirectories(process.argv[1], owner);
    const workspaces = new Workspaces(process.argv[1]);
    ${code}`;
  const as = owner.uid === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, '--', data_dir], {
    ...as,
    cwd: '/',
  });
}

test('directories that a worker made read-only are removed, even by a user that is not root', async (t) => {
  const data_dir = await temporaryFolder(t);
  const worker = owner.uid === 0 ? { uid: NOBODY, gid: NOBODY } : owner;
  const directories = new WorkerDirectories(data_dir, worker);
  const workspaces = new Workspaces(data_dir);
  const name = newWorkerName();
  const made = directories.make(name);
  const precious = join(data_dir, 'precious');
  mkdirSync(precious, { mode: 0o555 });
  for (const dir of [workspaces.make(name, worker), made.worker_dir]) {
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
    for (const dir of [
      data_dir,
      precious,
      directories.workers_dir,
      join(data_dir, 'workspaces'),
      join(made.worker_dir, '..'),
    ])
      chownSync(dir, NOBODY, NOBODY);
  await runUnprivileged(data_dir, `await workspaces.remove('${name}');`);
  t.deepEqual(workspaces.list(), []);
  await runUnprivileged(data_dir, `await directories.remove('${name}');`);
  t.deepEqual(directories.list(), []);
  t.is(statSync(precious).mode & 0o777, 0o555);
});

test('a name that is not valid for a worker is refused', async (t) => {
  const directories = new WorkerDirectories(await temporaryFolder(t), owner);
  for (const name of ['../../etc', 'errand-', 'errand-0123456789/..', '']) t.throws(() => directories.of(name));
});

test('a data folder whose path is too long for sockets is refused at the start; the longest valid path works', async (t) => {
  const root = await temporaryFolder(t);
  const fault = dataPathFault(join(root, 'x'.repeat(60))) ?? '';
  t.regex(fault, /bytes too long: .*Set ERRAND_DATA to a folder with a shorter path \(\d+ bytes at most\)/);
  const most = Number(/(\d+) bytes at most/.exec(fault)?.[1]);
  const longest = join(root, 'x'.repeat(most - root.length - 1));
  t.is(longest.length, most);
  t.is(dataPathFault(longest), null);
  t.truthy(dataPathFault(`${longest}x`));
  const { coordinator_socket } = new WorkerDirectories(longest, owner).make(newWorkerName());
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(coordinator_socket, resolve);
  });
  t.true(existsSync(coordinator_socket));
  await new Promise((resolve) => server.close(resolve));
});
