import test, { type ExecutionContext } from 'ava';
import { doubtfulFiles } from '../../../agent-container/git/doubtful-files.ts';
import { commitWorktree } from '../../../agent-container/git/worktree-commit.ts';
import { git } from '../../support/git-server.ts';
import { setRepositoryScene } from '../../support/repository-scene.ts';

/** What is doubtful in a commit that adds these files to others, after a command. */
async function doubtful(
  t: ExecutionContext,
  before: string[],
  added: string[],
  { by_agent = [], run = ['status'] }: { by_agent?: string[]; run?: string[] } = {},
) {
  const content = (paths: string[]) => Object.fromEntries(paths.map((path) => [path, path]));
  const { clone, prepare, write } = await setRepositoryScene(t, content(['README.md', ...before]));
  const repos = clone();
  const { base_commit } = await prepare(repos);
  await git(repos.own.dir, ...run);
  for (const path of [...added, ...by_agent]) await write(repos, path, path);
  if (by_agent.length > 0) {
    await git(repos.own.dir, 'add', '-f', ...by_agent);
    await git(repos.own.dir, 'commit', '-q', '-m', 'By the agent');
  }
  const { commit } = await commitWorktree(repos, 'Work');
  return doubtfulFiles(repos.own, base_commit === null ? [] : [base_commit], commit ?? '');
}

test('what builds, tests and package managers write is named, its outermost folder once', async (t) => {
  const added = ['venv/bin/python', 'venv/lib/a.py', 'my env/pyvenv.cfg', 'my env/lib/venv/b.py', 'main.o', 'src/a.c'];
  const outputs = ['rust/target/debug/app', 'rust/Cargo.toml', 'app/htmlcov/index.html', 'x.egg-info/PKG-INFO'];
  t.deepEqual(await doubtful(t, [], [...added, ...outputs]), [
    'app/htmlcov/',
    'main.o',
    'my env/, a virtual environment',
    'rust/target/',
    'venv/',
    'x.egg-info/',
  ]);
});

test('a folder in which the project has files is a part of it, and elsewhere a name says nothing', async (t) => {
  const before = ['package.json', 'dist/index.js', 'build/.gitkeep', 'old.o'];
  const added = ['dist/new.js', 'build/a.js', 'src/target/a.js', 'src/out/b.js', 'old.o'];
  t.deepEqual(await doubtful(t, before, added), ['build/']);
});

test('a folder stays a part of the project where all its files are replaced, or moved with its package', async (t) => {
  const before = ['package.json', 'dist/app.111.js', 'packages/a/package.json', 'packages/a/dist/x.js'];
  t.deepEqual(await doubtful(t, before, ['dist/app.222.js'], { run: ['rm', '-q', 'dist/app.111.js'] }), []);
  const run = ['mv', 'packages/a', 'packages/b'];
  t.deepEqual(await doubtful(t, before, ['packages/b/dist/new.js'], { run }), []);
});

test('folders and files that are added on purpose as often as not are not named', async (t) => {
  const added = ['.yarn/releases/yarn.cjs', 'src/coverage/report.ts', 'go.mod', 'fixtures/nginx.log'];
  const vendored = ['vendor/a/Makefile', 'vendor/a/build/a.go', 'vendor/a/lib/z.a', 'vendor/bundle/node_modules/a.js'];
  const source = ['log/log.go', 'deps/deps.go', 'tmp/tmp.go'];
  t.deepEqual(await doubtful(t, [], [...added, ...source], { by_agent: vendored }), []);
});

test('what the agent has committed itself is named too, and of many only the first', async (t) => {
  t.deepEqual(await doubtful(t, [], [], { by_agent: ['node_modules/a/index.js'] }), ['node_modules/']);
  const many = Array.from({ length: 30 }, (_, n) => `${n}.o`);
  const texts = await doubtful(t, [], many);
  t.is(texts.length, 21);
  t.is(texts.at(-1), 'and more like these');
});
