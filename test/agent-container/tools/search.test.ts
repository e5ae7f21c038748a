import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { toolbox } from '../../support/tools.ts';

const FILES = {
  'src/a.ts': 'export const Alpha = 1;\nconst beta = 2;\n',
  'src/b.js': 'alpha();\n',
  'docs/c.md': 'alpha and omega\n',
};

test('gives matching lines with their file and number', async (t) => {
  const { use } = await toolbox(t, FILES);
  t.is(await use('search', { pattern: 'alpha' }), './docs/c.md:1:alpha and omega\n./src/b.js:1:alpha();');
  t.is(
    await use('search', { pattern: 'ALPHA', ignore_case: true, glob: '*.ts' }),
    './src/a.ts:1:export const Alpha = 1;',
  );
  t.is(
    await use('search', { pattern: 'beta', path: 'src', context: 1 }),
    'src/a.ts-1-export const Alpha = 1;\nsrc/a.ts:2:const beta = 2;',
  );
  t.is(await use('search', { pattern: 'gamma', path: 'src' }), 'Nothing in src matches.');
  t.is(await use('search', { pattern: '-e' }), 'Nothing in . matches.');
});

test('explains what is wrong with a pattern', async (t) => {
  const { use } = await toolbox(t, FILES);
  t.regex(await use('search', { pattern: 'a(' }), /^ERROR: The search failed: .*unclosed group/s);
});

test('a pattern may look around, refer back, and span lines', async (t) => {
  const { use } = await toolbox(t, FILES);
  const line = './docs/c.md:1:alpha and omega';
  t.is(await use('search', { pattern: 'alpha(?! *\\()' }), line);
  t.is(await use('search', { pattern: 'a(n)d.*\\bo|(a)lph\\2 and' }), line);
  for (const pattern of ['Alpha = 1;\\nconst \\w+', 'Alpha = 1;\nconst'])
    t.is(await use('search', { pattern }), './src/a.ts:1:export const Alpha = 1;\n./src/a.ts:2:const beta = 2;');
});

test('gives a bounded number of lines, each of bounded length', async (t) => {
  const { use, repo_dir } = await toolbox(t);
  await writeFile(join(repo_dir, 'many'), 'hit\n'.repeat(100_000));
  await writeFile(join(repo_dir, 'wide'), `hit ${'w'.repeat(1_000_000)}\n`);
  const lines = (await use('search', { pattern: 'hit', path: 'many' })).split('\n');
  t.is(lines.length, 201);
  t.regex(lines.at(-1) ?? '', /Only the first results/);
  t.true((await use('search', { pattern: 'hit', path: 'wide' })).length < 1000);
});

test('where a long line is cut, the result says how to see the match in it', async (t) => {
  const { use } = await toolbox(t, { 'min.js': `${'var a=1;'.repeat(500)}needle();${'var b=2;'.repeat(500)}\n` });
  const text = await use('search', { pattern: 'needle' });
  const [, command = ''] = /: (rg -o .+ FILE) in run_command\.\]$/.exec(text) ?? [];
  const filled = command.replace('PATTERN', 'needle').replace('FILE', 'min.js');
  t.regex(await use('run_command', { command: filled }), /^(var a=1;){10}needle\(\);var b=2;/);
});

test('uses grep if ripgrep is missing, and says so', async (t) => {
  const { use, setPath, folder } = await toolbox(t, FILES);
  await symlink('/usr/bin/grep', join(folder, 'grep'));
  setPath(folder);
  t.is(
    await use('search', { pattern: 'alpha', glob: '*.js' }),
    '[ripgrep is not installed: these are the results of grep -E.]\n./src/b.js:1:alpha();',
  );
  t.is(
    await use('search', { pattern: 'gamma' }),
    '[ripgrep is not installed: these are the results of grep -E.]\nNothing in . matches.',
  );
  for (const pattern of ['Alpha(?! = 2)', 'Alpha = 1;\\nconst', 'Alpha = 1;\nconst', 'be(?:ta)', '= \\d'])
    t.regex(
      await use('search', { pattern }),
      /^ERROR: ripgrep is not installed, and grep -E does not understand this pattern.+ Search for a part of it/,
    );
  t.regex(await use('search', { pattern: 'alpha\\(\\?*\\)' }), /src\/b\.js:1/);
});

test('a search that was ended before its end does not say that nothing matches', async (t) => {
  const { use, setPath, folder } = await toolbox(t, FILES);
  await writeFile(join(folder, 'rg'), '#!/bin/sh\nkill -9 $$\n', { mode: 0o755 });
  setPath(folder);
  t.is(
    await use('search', { pattern: 'alpha' }),
    'ERROR: The search failed: it was ended by SIGKILL. Narrow it by path or glob.',
  );
});

for (const [what, end, fault] of [
  ['was killed', 'kill -9 $$', 'it was ended by SIGKILL. Narrow it by path or glob.'],
  ['could not read a folder', 'echo "./src: Permission denied" >&2; exit 2', './src: Permission denied'],
])
  test(`a search that ${what} says that its results are not all`, async (t) => {
    const { use, setPath, folder } = await toolbox(t, FILES);
    await writeFile(join(folder, 'rg'), `#!/bin/sh\necho ./docs/c.md:1:alpha\n${end}\n`, { mode: 0o755 });
    setPath(folder);
    t.is(await use('search', { pattern: 'alpha' }), `./docs/c.md:1:alpha\n[The search was not complete: ${fault}]`);
  });

test('what is wrong with a .gitignore does not make a search fail', async (t) => {
  const { use } = await toolbox(t, { ...FILES, '.ignore': '[a-\n' });
  t.is(await use('search', { pattern: 'gamma' }), 'Nothing in . matches.');
  t.is(await use('search', { pattern: 'beta' }), './src/a.ts:2:const beta = 2;');
});

test('a glob may begin with ./ as paths in the results do, and lines have no line endings', async (t) => {
  const { use } = await toolbox(t, { 'src/a.ts': 'one\r\ntwo\r\nthree\r\n', 'b.ts': 'two\n', 'c.js': 'two\n' });
  t.is(
    await use('search', { pattern: 'two', glob: './src/*.ts', context: 1 }),
    './src/a.ts-1-one\n./src/a.ts:2:two\n./src/a.ts-3-three',
  );
  t.is(await use('search', { pattern: 'two', glob: '!./src/**' }), './b.ts:1:two\n./c.js:1:two');
});
