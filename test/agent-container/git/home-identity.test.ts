import test from 'ava';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeHomeIdentity } from '../../../agent-container/git/home-identity.ts';
import { Git } from '../../../agent-container/git/git.ts';
import { temporaryFolder } from '../../support/folder.ts';

const OLD = { name: 'Ann Old', email: 'old@example.org' };
const NEW = { name: 'Ann "A" New', email: 'new@example.org' };

const gitIn = (dir: string) =>
  new Git(dir, { PATH: process.env.PATH ?? '' }, new AbortController().signal, { lfs: false });

test('HOME has the author as the task names it now, and keeps its other settings', async (t) => {
  const home = await temporaryFolder(t);
  const git = gitIn(home);
  const read = (key: string) => git.run(['config', '--file', join(home, '.gitconfig'), key]);
  await writeHomeIdentity(git, home, OLD);
  t.deepEqual([await read('user.name'), await read('user.email')], [OLD.name, OLD.email]);
  await git.run(['config', '--file', join(home, '.gitconfig'), 'alias.st', 'status']);
  await writeHomeIdentity(git, home, NEW);
  t.deepEqual(
    [await read('user.name'), await read('user.email'), await read('alias.st')],
    [NEW.name, NEW.email, 'status'],
  );
});

test('the author that a command has set in HOME stays', async (t) => {
  const home = await temporaryFolder(t);
  const git = gitIn(home);
  const config = (...args: string[]) => git.run(['config', '--file', join(home, '.gitconfig'), ...args]);
  await writeHomeIdentity(git, home, OLD);
  await config('user.email', 'ci@example.org');
  for (const author of [OLD, NEW, OLD]) {
    await writeHomeIdentity(git, home, author);
    t.deepEqual([await config('user.name'), await config('user.email')], [author.name, 'ci@example.org']);
  }
});

test('nothing is written through a link in the place of the settings in HOME', async (t) => {
  const home = await temporaryFolder(t);
  const git = gitIn(home);
  const other = join(home, 'other');
  await writeFile(other, 'other\n');
  await symlink(other, join(home, '.gitconfig'));
  await writeHomeIdentity(git, home, NEW);
  t.is(await readFile(other, 'utf8'), 'other\n');
  t.is(await git.run(['config', '--file', join(home, '.gitconfig'), 'user.name']), NEW.name);
});
