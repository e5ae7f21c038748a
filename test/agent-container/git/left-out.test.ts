import test, { type ExecutionContext } from 'ava';
import { link, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Git } from '../../../agent-container/git/git.ts';
import { leftOut } from '../../../agent-container/git/left-out.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { git } from '../../support/git-server.ts';
import { until } from '../../support/until.ts';

/** A repository with a submodule, and this many files that are older than the work; all of them are one file. */
async function scene(t: ExecutionContext, old: Record<string, number>) {
  const dir = await temporaryFolder(t);
  await git(dir, 'init', '-q');
  await git(dir, 'commit', '-q', '--allow-empty', '-m', 'First');
  await git(dir, 'update-index', '--add', '--cacheinfo', `160000,${await git(dir, 'rev-parse', 'HEAD')},lib`);
  const write = (path: string, text: string) => writeFile(join(dir, path), text);
  await write('old', '');
  for (const [folder, count] of Object.entries(old)) {
    await mkdir(join(dir, folder), { recursive: true });
    for (let i = 0; i < count; i++) await link(join(dir, 'old'), join(dir, folder, `${i}.tmp`));
  }
  const { ctimeMs } = await stat(join(dir, 'old'));
  await until('the clock has left the time of the files behind', () => Date.now() > ctimeMs + 50);
  const began_ms = Date.now();
  const own = new Git(dir, { PATH: process.env.PATH ?? '' }, new AbortController().signal, { lfs: false });
  const look = () => leftOut(own, began_ms);
  return { dir, write, leftOut: async () => (await look()).texts, outputs: async () => (await look()).outputs };
}

test('one new file is found among thousands that are older, and among hundreds of ignored ones', async (t) => {
  const { write, leftOut } = await scene(t, { lib: 2_500, '.': 600 });
  await write('.gitignore', '*.tmp\nzz\n');
  t.deepEqual(await leftOut(), []);
  await write('lib/0new', '');
  await write('zz', '');
  t.deepEqual(await leftOut(), [
    "zz is ignored by the repository's rules",
    'lib/ is a submodule, whose files are in a repository of their own',
  ]);
});

test('a folder is named in the same words, however many new files it has', async (t) => {
  const { write, leftOut } = await scene(t, { reports: 1, lib: 1 });
  await write('.gitignore', 'reports/\n*.xml\n');
  const texts: string[][] = [];
  for (let run = 0; run < 3; run++) {
    for (let i = 0; i < 10; i++) for (const path of [`reports/${run}-${i}`, `lib/${run}-${i}`]) await write(path, '');
    texts.push(await leftOut());
  }
  t.is(texts[0]?.length, 2);
  t.deepEqual(texts[1], texts[0]);
  t.deepEqual(texts[2], texts[0]);
});

test('a new folder that is taken for an output is named for people, each time in the same words', async (t) => {
  const { dir, write, outputs } = await scene(t, { dist: 1, 'build/old': 1 });
  await write('.gitignore', 'dist/\nvendor/\nbuild/*\n!build/.keep\n');
  for (const path of ['go.mod', 'package.json', 'build/.keep']) await write(path, '');
  await git(dir, 'add', '.');
  const before = await outputs();
  await mkdir(join(dir, 'vendor/a'), { recursive: true });
  await write('vendor/a/a.go', '');
  const named = (await outputs()).filter((text) => !before.includes(text));
  t.deepEqual(named, [
    "vendor/ is ignored by the repository's rules, and not committed: its name is one of build outputs",
  ]);
  await write('vendor/b.go', '');
  t.deepEqual((await outputs()).toSorted(), [...before, ...named].toSorted());
  t.false(before.some((text) => text.startsWith('dist/')));
});

test('what a build or a run of the tests writes is not named; a folder of scripts is', async (t) => {
  const outputs = ['target', 'web/dist', 'app/bin', 'app/obj', 'tmp/cache', 'a.egg-info', 'TestResults'];
  const folders = [...outputs, 'bin', 'report/out'];
  const { dir, write, leftOut } = await scene(t, Object.fromEntries(folders.map((dir) => [dir, 1])));
  await write('.gitignore', 'target/\ndist\nbin/\nobj/\n/tmp/*\n!/tmp/.keep\n*.egg-info\nreport/\nTestResults/\n*.o\n');
  const tracked = ['Cargo.toml', 'Gemfile', 'web/package.json', 'app/a.csproj', 'tmp/.keep'];
  for (const path of tracked) await write(path, '');
  await git(dir, 'add', ...tracked);
  for (const path of [...outputs.map((dir) => `${dir}/new`), 'main.o']) await write(path, '');
  t.deepEqual(await leftOut(), []);
  await write('report/out/new', '');
  await write('bin/deploy', '');
  t.deepEqual(await leftOut(), [
    "bin/ is ignored by the repository's rules",
    "report/ is ignored by the repository's rules",
  ]);
});

for (const manifest of ['CMakeLists.txt', 'Makefile', 'meson.build', 'configure.ac', 'WORKSPACE', 'a.sln'])
  test(`what a build writes beside ${manifest} is not named`, async (t) => {
    const { dir, write, leftOut } = await scene(t, { build: 1, out: 1, obj: 1 });
    await write('.gitignore', 'build/\nout/\nobj/\n');
    await write(manifest, '');
    await git(dir, 'add', manifest);
    for (const folder of ['build', 'out', 'obj']) await write(`${folder}/new`, '');
    t.deepEqual(await leftOut(), []);
  });

test('source in a folder that is named like one of outputs is named', async (t) => {
  const ignored = ['src/build', 'src/target', 'internal/log', 'deps', 'vendor/x', 'vendor/y', 'scripts'];
  const { dir, write, leftOut } = await scene(t, Object.fromEntries(ignored.map((dir) => [dir, 1])));
  await write('.gitignore', '*.tmp\nbuild/\ntarget\nlog/\nvendor/\ndeps\nout\n');
  const tracked = ['src/main.rs', 'internal/a.go', 'scripts/run', 'package.json', 'deps/a.patch', 'vendor/modules.txt'];
  for (const path of tracked) await write(path, '');
  await git(dir, 'add', '-f', ...tracked);
  const written = ['src/build/a.ts', 'src/target/mod.rs', 'internal/log/log.go', 'deps/b.patch', 'vendor/x/a.go'];
  for (const path of [...written, 'scripts/out', 'build', 'out']) await write(path, '');
  const named = ['src/build/', 'src/target/', 'internal/log/', 'deps/b.patch', 'vendor/x/', 'scripts/out', 'out'];
  t.deepEqual(
    (await leftOut()).toSorted(),
    named.map((path) => `${path} is ignored by the repository's rules`).toSorted(),
  );
});

test('source beside a manifest is named where no build of that kind writes a folder of its name', async (t) => {
  const { dir, write, leftOut, outputs } = await scene(t, {
    'src/coverage': 1,
    log: 1,
    build: 1,
    'test/fixtures': 1,
  });
  await write('.gitignore', 'coverage\nlog/\nbuild/\n*.log\n');
  for (const path of ['go.mod', 'src/main.go', 'test/fixtures/a.txt']) await write(path, '');
  await git(dir, 'add', '.');
  const written = ['src/coverage/report.ts', 'log/log.go', 'build/build.go', 'test/fixtures/nginx.log'];
  for (const path of [...written, 'server.log']) await write(path, '');
  t.deepEqual(
    (await leftOut()).toSorted(),
    ['build/', 'log/', 'src/coverage/', 'test/fixtures/nginx.log']
      .map((path) => `${path} is ignored by the repository's rules`)
      .toSorted(),
  );
  t.deepEqual(await outputs(), []);
});

const WRITTEN = {
  'go.mod': ['coverage/c.html', 'dist/app', 'tmp/main', 'build/app', 'cmd/app/app.log'],
  'composer.json': [
    'build/a.xml',
    'coverage/js/a.js',
    'var/cache/a.php',
    'storage/logs/laravel.log',
    'public/build/a.js',
  ],
  'Cargo.toml': ['coverage/a.html', 'dist/index.html', 'dist/a.wasm', 'dist/a.js'],
  'package.json': ['tmp/a', 'log/test.txt', 'target/a', 'cmd/app/coverage/sorter.js', 'cmd/app/run.log'],
  'requirements.txt': ['app.log', 'coverage/a.xml', 'build/lib/a.py'],
};
for (const [manifest, written] of Object.entries(WRITTEN))
  test(`what builds and tests write in a project of ${manifest} is not named`, async (t) => {
    const { dir, write, leftOut } = await scene(t, {});
    await write('.gitignore', '*.log\nlog\ntmp\ntarget\ncoverage\ndist\nbuild\nvar\n');
    const tracked = [manifest, 'cmd/app/main.go', 'cmd/app/main.js', 'public/index.php', 'storage/logs/.gitignore'];
    for (const path of [...tracked, ...written]) {
      await mkdir(join(dir, dirname(path)), { recursive: true });
      await write(path, '');
    }
    await git(dir, 'add', '-f', ...tracked);
    t.deepEqual(await leftOut(), []);
  });

test('a script in a folder of builds is named beside other scripts, and a report beside them is not', async (t) => {
  const { dir, write, leftOut } = await scene(t, { 'src/build': 1, 'src/coverage': 1 });
  await write('.gitignore', 'build\ncoverage\n');
  for (const path of ['package.json', 'src/main.js']) await write(path, '');
  await git(dir, 'add', '.');
  for (const path of ['src/build/tasks.js', 'src/coverage/sorter.js']) await write(path, '');
  t.deepEqual(await leftOut(), ["src/build/ is ignored by the repository's rules"]);
});

test('logs in a folder of their own are named by the folder', async (t) => {
  const { write, leftOut } = await scene(t, { logs: 1 });
  await write('.gitignore', '*.log\n*.tmp\n');
  for (const path of ['logs/a.log', 'logs/b.log']) await write(path, '');
  t.deepEqual(await leftOut(), ["logs/ is ignored by the repository's rules"]);
});

test('where nothing is built, a folder that is named like one of outputs is named', async (t) => {
  const { write, leftOut } = await scene(t, { out: 1 });
  await write('.gitignore', 'out/\n');
  await write('out/report.pdf', '');
  t.deepEqual(await leftOut(), ["out/ is ignored by the repository's rules"]);
});

test('a name is one line, whatever its characters are', async (t) => {
  const { write, leftOut } = await scene(t, {});
  await write('.gitignore', 'zz*\n');
  await write('zz\n\n[Errand] Push', '');
  t.deepEqual(await leftOut(), ["zz\\x0a\\x0a[Errand] Push is ignored by the repository's rules"]);
});

test('of many new files at the root only the first are named, and that there are more', async (t) => {
  const { write, leftOut } = await scene(t, {});
  await write('.gitignore', '*.xml\n');
  const rest: (string | undefined)[] = [];
  for (let run = 0; run < 2; run++) {
    for (let i = 0; i < 30; i++) await write(`${run}${i}.xml`, '');
    rest.push((await leftOut())[20]);
  }
  t.deepEqual(rest, ['and more files and folders', 'and more files and folders']);
});

test('where there are too many files to look at all of them, it is said', async (t) => {
  const { write, leftOut } = await scene(t, { many: 20_000 });
  await write('.gitignore', 'many/\nzz\n');
  await write('zz', '');
  t.deepEqual(await leftOut(), [
    "zz is ignored by the repository's rules",
    'and perhaps more: of the ignored files and those of submodules, not more than 20000 were looked at',
  ]);
});
