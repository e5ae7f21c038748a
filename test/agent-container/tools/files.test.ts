import { execFileSync } from 'node:child_process';
import { watch } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { toolbox } from '../../support/tools.ts';
import { until } from '../../support/until.ts';

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}`).join('\n');

test('read_file gives numbered lines, and says how to read on', async (t) => {
  const { use } = await toolbox(t, { 'a.txt': `${numbered(1, 5000)}\n`, 'b.txt': 'one\r\ntwo' });
  t.is(await use('read_file', { path: 'b.txt' }), '1\tone\n2\ttwo');
  const first = await use('read_file', { path: 'a.txt' });
  t.regex(first, /^1\tline 1\n[^]*\n2000\tline 2000\n\[Lines 1 to 2000 of 5000. Go on with offset 2001.\]$/);
  t.is(await use('read_file', { path: 'a.txt', offset: 4999, limit: 10 }), '4999\tline 4999\n5000\tline 5000');
  t.is(
    await use('read_file', { path: 'a.txt', offset: 5001 }),
    'ERROR: a.txt ends with line 5000: there is no line 5001.',
  );
});

test('read_file handles long lines, long files, empty and binary ones', async (t) => {
  const { use } = await toolbox(t, {
    wide: `${'w'.repeat(100_000)}\nshort\n`,
    many: `${'x'.repeat(1000)}\n`.repeat(500),
    empty: '',
    binary: Buffer.from([1, 2, 0, 3]),
    huge: Buffer.alloc(21 * 1024 * 1024, 'x'),
  });
  t.regex(await use('read_file', { path: 'wide' }), /w{2000} \[… 98000 more characters in this line\]\n2\tshort$/);
  t.regex(await use('read_file', { path: 'many' }), /\[Lines 1 to 49 of 500. Go on with offset 50.\]$/);
  t.is(await use('read_file', { path: 'empty' }), 'empty is empty.');
  t.regex(await use('read_file', { path: 'binary' }), /^binary is a binary file of 4 bytes/);
  t.regex(await use('read_file', { path: 'huge' }), /^ERROR: huge has more than 20971520 bytes, too many/);
});

test('no path or link leads the file tools out of the repository', async (t) => {
  const { use, folder, repo_dir, scratch_dir } = await toolbox(t, { 'in.txt': 'in\n' });
  await writeFile(join(folder, 'secret'), 'out\n');
  await writeFile(join(scratch_dir, 'log'), 'a log\n');
  await mkdir(join(folder, 'repo-other'));
  await symlink(join(folder, 'secret'), join(repo_dir, 'link'));
  await symlink(folder, join(repo_dir, 'up'));
  await symlink(join(folder, 'new'), join(repo_dir, 'dangling'));
  await symlink('in.txt', join(repo_dir, 'inner'));
  await symlink('loop', join(repo_dir, 'loop'));
  for (const path of [
    '../secret',
    join(folder, 'secret'),
    'link',
    'up/secret',
    'up/new/deep',
    'dangling',
    '../repo-other/x',
    'a/../../secret',
  ]) {
    t.regex(await use('read_file', { path }), /^ERROR: /, `read ${path}`);
    t.regex(await use('write_file', { path, content: 'pwned' }), /^ERROR: /, `write ${path}`);
    t.regex(await use('edit_file', { path, old_text: 'out', new_text: 'pwned' }), /^ERROR: /, `edit ${path}`);
    t.regex(await use('list_files', { path }), /^ERROR: /, `list ${path}`);
    t.regex(await use('search', { path, pattern: 'out' }), /^ERROR: /, `search ${path}`);
  }
  t.regex(await use('read_file', { path: 'loop' }), /^ERROR: /);
  t.regex(await use('write_file', { path: 'loop', content: '' }), /^ERROR: /);
  t.is(await readFile(join(folder, 'secret'), 'utf8'), 'out\n');
  t.deepEqual((await readdir(folder)).sort(), ['repo', 'repo-other', 'scratch', 'secret']);
  // Links inside the repository and absolute paths work; the scratch directory can be read, not written.
  t.is(await use('write_file', { path: 'inner', content: 'new\n' }), 'Replaced in.txt: 1 line.');
  t.true((await lstat(join(repo_dir, 'inner'))).isSymbolicLink());
  t.is(await use('read_file', { path: join(repo_dir, 'in.txt') }), '1\tnew');
  t.is(await use('read_file', { path: join(scratch_dir, 'log') }), '1\ta log');
  t.regex(
    await use('write_file', { path: join(scratch_dir, 'log'), content: '' }),
    /^ERROR: .* outside of the repository/,
  );
});

test('the home of commands and their temporary files are read, not written, and no link leads out of them', async (t) => {
  const { use, folder, read_dirs } = await toolbox(t);
  const [home, outside] = [join(folder, 'home'), join(folder, 'outside')];
  for (const dir of [home, outside]) await mkdir(dir);
  read_dirs.push(home, join(folder, 'removed'));
  await writeFile(join(home, 'notes'), 'a note\n');
  await writeFile(join(outside, 'secret'), 'out\n');
  await symlink(outside, join(home, 'link'));
  t.is(await use('read_file', { path: join(home, 'notes') }), '1\ta note');
  t.regex(await use('search', { path: home, pattern: 'note' }), /home\/notes:1:a note$/);
  t.regex(await use('write_file', { path: join(home, 'notes'), content: '' }), /^ERROR: .* outside of the repository/);
  for (const path of [join(home, 'link/secret'), join(home, '../outside/secret'), `${home}2/x`])
    t.regex(await use('read_file', { path }), /^ERROR: /, path);
});

test('a link that a command puts in the place of such a folder opens nothing', async (t) => {
  const { use, folder, repo_dir, scratch_dir, read_dirs, other_dirs } = await toolbox(t);
  const [home, web, outside] = [join(folder, 'home'), join(folder, 'web'), join(folder, 'outside')];
  for (const dir of [home, web, outside]) await mkdir(dir);
  read_dirs.push(home);
  other_dirs.push(web);
  await writeFile(join(outside, 'secret'), 'out\n');
  for (const dir of [home, web, scratch_dir, repo_dir]) {
    await rm(dir, { recursive: true });
    await symlink(outside, dir);
    for (const path of [join(dir, 'secret'), join(outside, 'secret')]) {
      t.regex(await use('read_file', { path }), /^ERROR: .* outside of the repository/, path);
      t.regex(await use('search', { path, pattern: 'out' }), /^ERROR: .* outside of the repository/, path);
      t.regex(await use('write_file', { path, content: 'x' }), /^ERROR: .* outside of the repository/, path);
    }
  }
  t.is(await readFile(join(outside, 'secret'), 'utf8'), 'out\n');
});

test('the folders of further repositories are read and written like the first, and nothing beside them', async (t) => {
  const { use, folder, repo_dir, other_dirs } = await toolbox(t, { 'in.txt': 'in\n' });
  const [web, beside] = [join(folder, 'web'), join(folder, 'web-beside')];
  for (const dir of [web, beside]) await mkdir(dir);
  await writeFile(join(web, 'page.txt'), 'a page\n');
  await writeFile(join(beside, 'page.txt'), 'not this\n');
  await symlink(join(web, 'page.txt'), join(repo_dir, 'to-web'));
  await symlink(beside, join(web, 'out'));
  t.regex(await use('read_file', { path: '../web/page.txt' }), /^ERROR: .* outside of the repository/);
  other_dirs.push(web);
  for (const path of ['../web/page.txt', join(web, 'page.txt'), 'to-web'])
    t.is(await use('read_file', { path }), '1\ta page', path);
  t.regex(await use('search', { path: '../web', pattern: 'page' }), /web\/page\.txt:1:a page/);
  t.regex(await use('list_files', { path: '../web' }), /page\.txt/);
  t.notRegex(await use('edit_file', { path: '../web/page.txt', old_text: 'a page', new_text: 'new' }), /^ERROR/);
  t.notRegex(await use('write_file', { path: join(web, 'deep/new.txt'), content: 'x\n' }), /^ERROR/);
  t.is(await readFile(join(web, 'page.txt'), 'utf8'), 'new\n');
  for (const path of ['../web-beside/page.txt', '../web/out/page.txt', join(beside, 'page.txt'), '../web/../x']) {
    t.regex(await use('read_file', { path }), /^ERROR: /, path);
    t.regex(await use('write_file', { path, content: 'pwned' }), /^ERROR: /, path);
  }
  t.regex(await use('write_file', { path: '../web', content: 'x' }), /^ERROR: That is the repository itself/);
  t.is(await readFile(join(beside, 'page.txt'), 'utf8'), 'not this\n');
});

test('pipes and folders are not opened', async (t) => {
  const { use, repo_dir } = await toolbox(t);
  execFileSync('mkfifo', [join(repo_dir, 'pipe')]);
  t.regex(await use('read_file', { path: 'pipe' }), /^ERROR: .*not a regular file/);
  t.regex(await use('edit_file', { path: 'pipe', old_text: 'a', new_text: 'b' }), /^ERROR: .*not a regular file/);
  t.regex(await use('write_file', { path: 'pipe', content: 'x' }), /^ERROR: .*not a regular file/);
  t.regex(await use('read_file', { path: '.' }), /^ERROR: .*is a folder/);
  t.regex(await use('write_file', { path: '.', content: 'x' }), /^ERROR: That is the repository itself/);
});

test('write_file makes folders, keeps the mode, and leaves no temporary file', async (t) => {
  const { use, repo_dir } = await toolbox(t, { 'run.sh': 'old\n' });
  await chmod(join(repo_dir, 'run.sh'), 0o755);
  t.is(await use('write_file', { path: 'a/b/c.txt', content: 'x\ny\n' }), 'Created a/b/c.txt: 2 lines.');
  t.is(await use('write_file', { path: 'run.sh', content: 'new\n' }), 'Replaced run.sh: 1 line.');
  t.is((await stat(join(repo_dir, 'run.sh'))).mode & 0o777, 0o755);
  t.is(await readFile(join(repo_dir, 'run.sh'), 'utf8'), 'new\n');
  t.deepEqual((await readdir(repo_dir)).sort(), ['a', 'run.sh']);
  t.regex(await use('write_file', { path: 'run.sh/x', content: '' }), /^ERROR: A part of the path is a file/);
});

test('the temporary file of a write is never in the repository', async (t) => {
  const { use, repo_dir } = await toolbox(t, { 'a.txt': 'old\n' });
  const seen = new Set<string>();
  const watcher = watch(repo_dir, (_event, name) => void seen.add(String(name)));
  t.teardown(() => watcher.close());
  await use('write_file', { path: 'b.txt', content: 'new\n' });
  await use('edit_file', { path: 'a.txt', old_text: 'old', new_text: 'new' });
  await until('the changes are seen', () => seen.has('a.txt'));
  t.deepEqual([...seen].sort(), ['a.txt', 'b.txt']);
});

test('a file is written although the scratch folder is gone, or on another disk', async (t) => {
  const { use, repo_dir, scratch_dir } = await toolbox(t);
  await rm(scratch_dir, { recursive: true });
  t.regex(await use('write_file', { path: 'a.txt', content: 'a\n' }), /^Created/);
  const elsewhere = await mkdtemp('/dev/shm/errand-test-');
  t.teardown(() => rm(elsewhere, { recursive: true }));
  await symlink(elsewhere, scratch_dir);
  t.regex(await use('write_file', { path: 'b.txt', content: 'b\n' }), /^Created/);
  t.deepEqual((await readdir(repo_dir)).sort(), ['a.txt', 'b.txt']);
  t.deepEqual(await readdir(elsewhere), []);
});

test('edit_file replaces text, and says where in few words', async (t) => {
  const { use, repo_dir } = await toolbox(t, { 'a.js': `${numbered(1, 20)}\n` });
  const shown = await use('edit_file', { path: 'a.js', old_text: 'line 10\n', new_text: 'ten\nten and a half\n' });
  t.is(shown, 'Replaced it in a.js (line 10).');
  t.true((await readFile(join(repo_dir, 'a.js'), 'utf8')).includes('line 9\nten\nten and a half\nline 11\n'));
  const all = await use('edit_file', { path: 'a.js', old_text: 'line', new_text: 'row', replace_all: true });
  t.is(all, 'Replaced 19 occurrences in a.js (lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, …).');
});

test('edit_file replaces many occurrences in a file of one long line', async (t) => {
  const count = 1_000_000;
  const { use, repo_dir } = await toolbox(t, { 'a.json': `first\r\n${'a,'.repeat(count)}` });
  const edited = await use('edit_file', { path: 'a.json', old_text: ',', new_text: ',\n', replace_all: true });
  t.is(edited, `Replaced ${count} occurrences in a.json (lines 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, …).`);
  t.is(await readFile(join(repo_dir, 'a.json'), 'utf8'), `first\r\n${'a,\r\n'.repeat(count)}`);
});

test('edit_file says what to do if the text is there several times, or the file is not', async (t) => {
  const { use, repo_dir } = await toolbox(t, { a: 'x = 1\n  y = 2\nx = 1\n' });
  const edit = (old_text: string, new_text: string, more = {}) =>
    use('edit_file', { path: 'a', old_text, new_text, ...more });
  t.regex(await edit('x = 1', 'x = 2'), /^ERROR: old_text is in a 2 times \(lines 1, 3\)/);
  t.regex(await edit('x', 'x'), /^ERROR: .*nothing would change/);
  t.regex(await use('edit_file', { path: 'b', old_text: 'x', new_text: 'y' }), /^ERROR: There is no b. Use write_file/);
  t.is(await readFile(join(repo_dir, 'a'), 'utf8'), 'x = 1\n  y = 2\nx = 1\n');
  t.regex(await edit('x = 1', '$& $1', { replace_all: true }), /^Replaced 2 occurrences/);
  t.is(await readFile(join(repo_dir, 'a'), 'utf8'), '$& $1\n  y = 2\n$& $1\n');
});

test('an edit that misses shows the lines of the file that it may have meant', async (t) => {
  const body = ['function sum(a, b) {', '\treturn a + b;', '}', '', 'function mul(a, b) {', '\treturn a * b;', '}'];
  const { use } = await toolbox(t, {
    'f.js': `${body.join('\n')}\n`,
    'long.js': `${numbered(1, 30_000)}\n${body.join('\n')}\n`,
  });
  const miss = (old_text: string, path = 'f.js') => use('edit_file', { path, old_text, new_text: '' });
  t.is(
    await miss('function mul(a, b) {\n  return a * b;\n}'),
    'ERROR: old_text is not in f.js. These lines differ from it only in spaces; give them exactly:\n' +
      '5\tfunction mul(a, b) {\n6\t\treturn a * b;\n7\t}',
  );
  t.is(
    await miss('function mul(a, b) {\n\treturn b * a;\n}\n'),
    'ERROR: old_text is not in f.js. The most similar lines are these; the first difference is on line 6:\n' +
      '5\tfunction mul(a, b) {\n6\t\treturn a * b;\n7\t}',
  );
  t.regex(await miss('function sums(a, b) {'), /first difference is on line 1:\n1\tfunction sum\(a, b\) \{$/);
  t.regex(await miss('\treturn a * b;\n\tnever();\n}', 'long.js'), /line 30007:\n30006\t\treturn a \* b;\n30007\t\}/);
  t.is(
    await miss('nothing of the kind'),
    'ERROR: old_text is not in f.js. Nothing in it is similar: read the file again, it may have changed.',
  );
});

test('list_files lists level by level, up to a limit', async (t) => {
  const { use, repo_dir } = await toolbox(t, { 'a/b/c/d.txt': '', 'z.txt': '', 'node_modules/x/y.js': '' });
  await symlink('z.txt', join(repo_dir, 'link'));
  t.is(await use('list_files', {}), '.:\na/\na/b/\nlink (link)\nnode_modules/\nz.txt');
  t.is(await use('list_files', { path: 'a', depth: 5 }), 'a:\nb/\nb/c/\nb/c/d.txt');
  await Promise.all(Array.from({ length: 600 }, (_, i) => writeFile(join(repo_dir, `a/b/c/f${i}`), '')));
  const lines = (await use('list_files', { path: 'a/b/c' })).split('\n');
  t.is(lines.length, 502);
  t.regex(lines.at(-1) ?? '', /Only the first 500 entries/);
});

test('list_files lists the rest where folders cannot be read, and each of those once', async (t) => {
  const { use, repo_dir } = await toolbox(t);
  // A path may have 4095 bytes: that of the inner folder has more.
  const deep = 'd'.repeat(200);
  const parents = Array.from({ length: Math.floor((4095 - repo_dir.length) / 201) }, () => deep).join('/');
  const dir = join(repo_dir, parents);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'a'), '');
  const inner = (i: number) => 'i'.repeat(200) + String(i).padStart(3, '0');
  const inners = Array.from({ length: 499 }, (_, i) => inner(i));
  execFileSync('mkdir', inners, { cwd: dir });
  t.teardown(() => execFileSync('rmdir', inners, { cwd: dir }));
  const listed = await use('list_files', { path: parents });
  t.deepEqual(listed.split('\n').slice(1), ['a', ...inners.map((name) => `${name}/ (cannot be read)`)]);
});

test('what models add or send in another type costs no turn where its meaning is clear', async (t) => {
  const { use } = await toolbox(t, { a: 'one\ntwo\nthree\n' });
  t.is(
    await use('read_file', { path: 'a', offset: '2', limit: ' 1 ' }),
    '2\ttwo\n[Lines 2 to 2 of 3. Go on with offset 3.]',
  );
  t.is(await use('read_file', { path: 'a', offset: null, limit: null }), '1\tone\n2\ttwo\n3\tthree');
  t.regex(await use('list_files', { path: null }), /^\.:\na$/);
  const command = { command: 'echo hi', description: 'Says hi', timeout_s: '30', background: 'false' };
  t.regex(await use('run_command', command), /^hi\n/);
  for (const timeout_s of ['soon', '', '30 s', '9999', {}, true])
    t.regex(
      await use('run_command', { command: 'true', timeout_s }),
      /^ERROR: .*timeout_s/s,
      JSON.stringify(timeout_s),
    );
  t.regex(await use('read_file', { path: null }), /^ERROR: .*path/s);
  t.regex(await use('read_file', { path: 'a', description: 'x' }), /^ERROR: .*Unrecognized/s);
});

test('an invalid input gets an error that names the field', async (t) => {
  const { use } = await toolbox(t);
  t.regex(await use('read_file', {}), /^ERROR: The input is not valid.*expected string.*path/s);
  t.regex(await use('read_file', { path: 'a', lines: 3 }), /^ERROR: .*Unrecognized key: "lines"/s);
  t.regex(await use('run_command', { command: 'x', timeout_s: 1e9 }), /^ERROR: .*timeout_s/s);
  t.regex(await use('read_file', { path: 'a\0b' }), /^ERROR: /);
  t.regex(await use('read_file', null), /^ERROR: /);
});
