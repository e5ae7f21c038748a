import test from 'ava';
import { execFile } from 'node:child_process';
import { appendFile, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Expected } from '../../../agent-container/git/repository.ts';
import type { Repositories } from '../../../agent-container/git/repositories.ts';
import { git as plainGit } from '../../support/git-server.ts';
import { setRepositoryScene as scene } from '../../support/repository-scene.ts';

const run = promisify(execFile);
const config = ({ agents }: Repositories, text: string) => appendFile(join(agents.git_dir, 'config'), text);

/** What an agent, or a program that it runs, may do to the `.git` of the repository. */
const DAMAGE: Record<string, (repos: Repositories) => Promise<unknown>> = {
  'it is removed': ({ agents }) => rm(agents.git_dir, { recursive: true }),
  'it is a file': async ({ agents }) => {
    await rm(agents.git_dir, { recursive: true });
    await writeFile(agents.git_dir, 'gitdir: /nowhere\n');
  },
  'it is a link to another repository': async ({ agents }) => {
    await rename(agents.git_dir, join(agents.dir, '../elsewhere.git'));
    await symlink('../elsewhere.git', agents.git_dir);
  },
  'it is a pipe': async ({ agents }) => {
    await rm(agents.git_dir, { recursive: true });
    await run('mkfifo', [agents.git_dir]);
  },
  'it is a new repository': async ({ agents }) => {
    await rm(agents.git_dir, { recursive: true });
    await plainGit(agents.dir, 'init', '-q');
  },
  'it is bare': (repos) => config(repos, '[core]\n\tbare = true\n'),
  'it has another working tree': (repos) => config(repos, '[core]\n\tworktree = /etc\n'),
  'its settings cannot be parsed': (repos) => config(repos, '[core\n'),
  'its settings are a pipe': async ({ agents }) => {
    await rm(join(agents.git_dir, 'config'));
    await run('mkfifo', [join(agents.git_dir, 'config')]);
  },
  'its settings are huge': ({ agents }) => truncate(join(agents.git_dir, 'config'), 1 << 30),
  'its settings include a pipe': async (repos) => {
    await run('mkfifo', [join(repos.agents.git_dir, 'pipe')]);
    await config(repos, '[include]\n\tpath = pipe\n');
  },
  'its settings name programs': (repos) =>
    config(
      repos,
      '[core]\n\tfsmonitor = "touch ran; false"\n\thooksPath = hooks\n[filter "x"]\n\tclean = "touch ran"\n',
    ),
  'its hooks fail': async ({ agents }) => {
    for (const name of ['pre-commit', 'pre-push', 'reference-transaction', 'post-checkout'])
      await writeFile(join(agents.git_dir, 'hooks', name), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  },
  'its unfinished merge is a pipe': ({ agents }) => run('mkfifo', [join(agents.git_dir, 'MERGE_HEAD')]),
  'its index is garbage': ({ agents }) => writeFile(join(agents.git_dir, 'index'), 'garbage'),
  'its HEAD is garbage': ({ agents }) => writeFile(join(agents.git_dir, 'HEAD'), 'garbage'),
  'its HEAD names no commit': ({ agents }) => writeFile(join(agents.git_dir, 'HEAD'), 'ref: refs/heads/none\n'),
  'its objects are gone': ({ agents }) => rm(join(agents.git_dir, 'objects'), { recursive: true }),
  'its objects are empty files': async ({ agents }) => {
    for (const name of await readdir(join(agents.git_dir, 'objects'), { recursive: true }))
      if (/[0-9a-f]{38}$|\.(pack|idx)$/.test(name)) {
        await rm(join(agents.git_dir, 'objects', name));
        await writeFile(join(agents.git_dir, 'objects', name), '');
      }
  },
  'it borrows objects that are not there': async ({ agents }) => {
    await mkdir(join(agents.git_dir, 'objects/info'), { recursive: true });
    await writeFile(join(agents.git_dir, 'objects/info/alternates'), '/nowhere/objects\n');
  },
  'it is not readable': ({ agents }) => run('chmod', ['000', agents.git_dir]),
  'its locks were left': async ({ agents }) => {
    for (const name of ['index.lock', 'HEAD.lock', 'config.lock']) await writeFile(join(agents.git_dir, name), '');
  },
  'it ignores everything': ({ agents }) => writeFile(join(agents.git_dir, 'info/exclude'), '*\n'),
};

for (const [what, damage] of Object.entries(DAMAGE))
  test(`the work is pushed, and the next attempt goes on with it, where ${what}`, async (t) => {
    const { clone, prepare, task, write, publish, names, bare } = await scene(t, {
      'README.md': 'one\n',
      'b.txt': 'b',
    });
    const repos = clone();
    const { workspace, base_commit } = await prepare(repos);
    await write(repos, 'saved.txt', 'saved\n');
    await publish(repos, 'Saved');
    await write(repos, 'README.md', 'two\n');
    await rm(join(repos.own.dir, 'b.txt'));
    await damage(repos);
    await publish(repos, 'Work');
    const expected = ['README.md', 'saved.txt'];
    t.deepEqual(await names(task.branch), expected);
    t.is(await plainGit(bare, 'show', `${task.branch}:README.md`), 'two');
    t.is<string | null, string | null>(await plainGit(bare, 'merge-base', 'main', task.branch), base_commit);
    t.false((await readdir(repos.own.dir)).includes('ran'), 'no program of the repository ran');

    const again = await prepare(repos, { turn: 1, workspace, base_commit });
    t.is(again.workspace, workspace, 'the files stay');
    t.is(await readFile(join(repos.own.dir, 'README.md'), 'utf8'), 'two\n');
    t.is(await plainGit(repos.own.dir, 'branch', '--show-current'), task.branch);
    t.regex(await repos.agents.run(['status', '--porcelain']), /README\.md/);
    await write(repos, 'more.txt', 'more\n');
    await publish(repos, 'More');
    t.deepEqual(await names(task.branch), ['README.md', 'more.txt', 'saved.txt']);
  });

test('commits of the agent are kept, where its settings are broken too', async (t) => {
  const { clone, prepare, task, write, publish, bare } = await scene(t);
  const repos = clone();
  await prepare(repos);
  await write(repos, 'a.txt', 'a\n');
  await plainGit(repos.own.dir, 'add', '.');
  await plainGit(repos.own.dir, 'commit', '-q', '-m', 'By the agent');
  await config(repos, '[core]\n\tbare = true\n');
  await write(repos, 'b.txt', 'b\n');
  await publish(repos, 'The rest');
  t.is(await plainGit(bare, 'log', '--format=%s', task.branch), 'The rest\nBy the agent\nFirst');
});

/** What a full disk or a crash of the machine may leave of the worker's own repository. */
const OWN_DAMAGE: Record<string, (git_dir: string) => Promise<unknown>> = {
  'it is gone': (git_dir) => rm(git_dir, { recursive: true }),
  'its settings cannot be read': (git_dir) => writeFile(join(git_dir, 'config'), '[core'),
  'its settings are empty': (git_dir) => truncate(join(git_dir, 'config')),
  'its objects are gone': (git_dir) => rm(join(git_dir, 'objects'), { recursive: true }),
  'its HEAD is empty': (git_dir) => truncate(join(git_dir, 'HEAD')),
  'its refs are gone': (git_dir) => rm(join(git_dir, 'refs'), { recursive: true }),
};

for (const [what, damage] of Object.entries(OWN_DAMAGE))
  test(`a damaged repository of the worker's own is made anew from the agent's: ${what}`, async (t) => {
    const { clone, prepare, task, write, publish, bare } = await scene(t);
    const repos = clone();
    const { workspace, base_commit } = await prepare(repos);
    await write(repos, 'a.txt', 'a\n');
    await publish(repos, 'A');
    await damage(repos.own.git_dir);
    await write(repos, 'b.txt', 'b\n');
    const again = await prepare(repos, { turn: 0, workspace, base_commit });
    t.like(again, { workspace, base_commit, note: null });
    await publish(repos, 'B');
    t.is(
      await plainGit(bare, 'show', '--stat', '--format=', task.branch),
      await plainGit(bare, 'diff', '--stat', 'main', task.branch),
    );
  });

test("what is never committed is not committed from a repository of the worker's own that was made anew", async (t) => {
  const { clone, prepare, task, write, publish, names, server, remote } = await scene(t);
  await plainGit(server.root, 'init', '-q', '--bare', 'empty');
  await plainGit(join(server.root, 'empty'), 'config', 'http.receivepack', 'true');
  for (const [name, path] of Object.entries({ empty: 'empty', full: 'repo' })) {
    remote.url = `${server.origin}/${path}`;
    const repos = clone(name);
    const { workspace, base_commit } = await prepare(repos);
    await rm(repos.own.git_dir, { recursive: true });
    t.is((await prepare(repos, { turn: 1, workspace, base_commit })).workspace, workspace);
    await write(repos, 'node_modules/a/index.js', 'a');
    await write(repos, 'a.txt', 'a\n');
    await publish(repos);
    const listed = await plainGit(join(server.root, path), 'ls-tree', '-r', '--name-only', task.branch);
    t.false(listed.includes('node_modules'), name);
  }
  t.deepEqual(await names(task.branch), ['README.md', 'a.txt']);
});

test("objects of Git LFS stay where the worker's own repository is made anew", async (t) => {
  const { clone, prepare } = await scene(t);
  const repos = clone();
  const { workspace, base_commit } = await prepare(repos);
  const object = join(repos.own.git_dir, 'lfs/objects/ab/cd/abcd');
  await mkdir(dirname(object), { recursive: true });
  await writeFile(object, 'of a commit that is not pushed yet');
  await rm(join(repos.own.git_dir, 'objects'), { recursive: true });
  await prepare(repos, { turn: 1, workspace, base_commit });
  t.is(await readFile(object, 'utf8'), 'of a commit that is not pushed yet');
});

test('an attempt that finds another workspace than that of the transcript clones anew, and keeps what it found', async (t) => {
  const { clone, prepare, task, write, publish, found_dir } = await scene(t);
  const repos = clone();
  const { workspace, base_commit } = await prepare(repos);
  await write(repos, 'pushed.txt', 'pushed\n');
  await publish(repos, 'Pushed');
  await write(repos, 'unsaved.txt', 'unsaved\n');
  const expected: Expected = { turn: 1, workspace: 'another', base_commit };
  const again = await prepare(repos, expected);
  t.not(again.workspace, workspace);
  t.regex(again.note ?? '', new RegExp(`was last pushed to the branch ${task.branch}`));
  t.deepEqual((await readdir(repos.own.dir)).sort(), ['.git', 'README.md', 'pushed.txt']);
  const [found = ''] = await readdir(join(found_dir, '..')).then((names) =>
    names.filter((name) => name.startsWith('found-')),
  );
  t.true(again.note?.includes(found));
  t.is(await readFile(join(found_dir, '..', found, 'unsaved.txt'), 'utf8'), 'unsaved\n');
});

test('a workspace that is gone is said to be gone: what was pushed is there, or that nothing was', async (t) => {
  const { clone, prepare, write, publish } = await scene(t);
  const first = clone();
  const { workspace, base_commit } = await prepare(first);
  const expected = { turn: 1, workspace, base_commit };
  t.regex((await prepare(clone('second'), expected)).note ?? '', /Nothing of the earlier work had been pushed/);
  await write(first, 'a.txt', 'a\n');
  await publish(first, 'A');
  t.regex((await prepare(clone('third'), expected)).note ?? '', /what was last pushed/);
  t.is((await prepare(clone('fourth'), { ...expected, turn: 0 })).note, null);
});

test('a workspace of an older worker, without a git directory of its own, is adopted', async (t) => {
  const { clone, prepare, task, write, publish, bare } = await scene(t);
  const repos = clone();
  const { base_commit } = await prepare(repos);
  await write(repos, 'a.txt', 'a\n');
  await plainGit(repos.own.dir, 'config', '--unset', 'errand.workspace');
  await plainGit(repos.own.dir, 'config', 'errand.base', base_commit ?? '');
  await plainGit(repos.own.dir, 'config', 'errand.baseBranch', 'main');
  await rm(repos.own.git_dir, { recursive: true });
  const again = await prepare(repos, { turn: 1, workspace: null, base_commit: null });
  t.like(again, { base_commit, base_branch: 'main', note: null });
  await publish(repos, 'A');
  t.is(await plainGit(bare, 'log', '--format=%s', task.branch), 'A\nFirst');
});

test('a repository with SHA-256 works, an empty one too', async (t) => {
  const { clone, server, remote, prepare, task, write, publish } = await scene(t);
  for (const name of ['full', 'empty']) {
    const dir = join(server.root, name);
    await plainGit(server.root, 'init', '-q', '--bare', '--object-format=sha256', '--initial-branch=main', name);
    await plainGit(dir, 'config', 'http.receivepack', 'true');
    if (name === 'full') {
      const tree = await plainGit(dir, 'write-tree');
      await plainGit(dir, 'update-ref', 'refs/heads/main', await plainGit(dir, 'commit-tree', tree, '-m', 'First'));
    }
    remote.url = `${server.origin}/${name}`;
    const repos = clone(name);
    await prepare(repos);
    await write(repos, 'a.txt', 'a\n');
    await publish(repos, 'A');
    t.is((await plainGit(dir, 'rev-parse', task.branch)).length, 64);
    t.is(await plainGit(repos.own.dir, 'rev-parse', '--show-object-format'), 'sha256');
  }
});
