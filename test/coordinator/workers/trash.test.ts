import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Trash } from '../../../coordinator/workers/trash.ts';
import { WorkerDirectories } from '../../../coordinator/workers/local/worker-directories.ts';
import { newWorkerName } from '../../../coordinator/workers/worker-name.ts';
import { Workspaces } from '../../../coordinator/workers/workspaces.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { stuckFolder } from '../../support/stuck-folder.ts';

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** What a hostile worker leaves: a script for Python, which runs in the worker's own folder. */
const LEFT: Record<string, string> = {
  'forty nested folders whose names have 250 bytes': `
for _ in range(40):
    os.mkdir('n' * 250); os.chdir('n' * 250)
open('file', 'w').close()`,
  'thousands of nested folders': `
for _ in range(2000):
    os.mkdir('d'); os.chdir('d')
open('file', 'w').close()`,
  'names of every kind': `
for name in [b'-rf', b'--', b' ', b'\\n', b'\\xff\\xfe', b'*', b'~', b'a' * 255, '\\u202e'.encode(), b'$(touch x)', b'"', b"'"]:
    os.mkdir(name); open(os.path.join(name, name), 'w').close()`,
  'folders that nobody may enter or write to': `
os.makedirs('a/b/c'); open('a/b/c/file', 'w').close()
for path in ['a/b/c/file', 'a/b/c', 'a/b', 'a']: os.chmod(path, 0)
os.chmod('.', 0)`,
  'links, pipes and sockets': `
import socket
os.symlink('/etc', 'etc'); os.symlink('..', 'up'); os.symlink('loop', 'loop'); os.mkfifo('pipe')
socket.socket(socket.AF_UNIX).bind('socket'); os.symlink('x' * 4000, 'long')
open('one', 'w').close(); os.link('one', 'two')`,
  'many files': `
for i in range(20000): open(str(i), 'w').close()`,
};
if (owner.uid === 0)
  LEFT['immutable and append-only files and folders'] = `
import subprocess
for _ in range(30):
    os.mkdir('n' * 200); os.chdir('n' * 200)
os.mkdir('folder'); open('folder/file', 'w').close(); open('log', 'w').close()
subprocess.run(['chattr', '+i', 'folder/file', 'folder']); subprocess.run(['chattr', '+a', 'log', '.'])`;

for (const [what, script] of Object.entries(LEFT))
  test(`a worker's folder is gone at once and removed soon, with ${what} in it`, async (t) => {
    const data_dir = await temporaryFolder(t);
    const trash = new Trash(data_dir);
    const directories = new WorkerDirectories(data_dir, owner, trash);
    const workspaces = new Workspaces(data_dir, trash);
    const name = newWorkerName();
    for (const cwd of [directories.make(name).worker_dir, workspaces.make(name, owner)])
      execFileSync('python3', ['-c', `import os\n${script}`], { cwd });
    await Promise.all([directories.remove(name), workspaces.remove(name)]);
    t.deepEqual([directories.list(), workspaces.list()], [[], []]);
    await workspaces.emptied();
    t.deepEqual(readdirSync(join(data_dir, 'trash')), []);
    t.is(trash.fault, null);
    t.true(existsSync('/etc/passwd'));
  });

test('what an earlier process left is removed at the start', async (t) => {
  const data_dir = await temporaryFolder(t);
  mkdirSync(join(data_dir, 'trash', 'left', 'inner'), { recursive: true });
  const trash = new Trash(data_dir);
  trash.start();
  await trash.empty();
  t.deepEqual(readdirSync(join(data_dir, 'trash')), []);
  await trash.stop();
});

test('what cannot be removed is told, does not hold up the rest, and is removed once it can be', async (t) => {
  const data_dir = await temporaryFolder(t);
  const trash = new Trash(data_dir);
  const stuck = stuckFolder(t, data_dir);
  const folder = join(data_dir, 'z');
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'x');
  await trash.take(folder);
  await trash.empty();
  t.deepEqual([readdirSync(join(data_dir, 'trash')), existsSync(folder)], [[stuck.name], false]);
  t.regex(trash.fault ?? '', /^1 of the folders/);
  stuck.free();
  await trash.empty();
  t.is(trash.fault, null);
});

test('a folder that does not exist is no error', async (t) => {
  await t.notThrowsAsync(new Workspaces(await temporaryFolder(t)).remove(newWorkerName()));
});
