import { chmod, lstat, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { toolbox } from '../../support/tools.ts';

const BOM = '\uFEFF';
const utf16be = (text: string) => Buffer.from(BOM + text, 'utf16le').swap16();

/** How a file with three lines may be stored: its bytes before and after the second line becomes two. */
const FORMATS: [name: string, store: (text: string) => Buffer][] = [
  ['LF', (text) => Buffer.from(text)],
  ['CRLF', (text) => Buffer.from(text.replaceAll('\n', '\r\n'))],
  ['CRLF and BOM', (text) => Buffer.from(BOM + text.replaceAll('\n', '\r\n'))],
  ['LF and BOM', (text) => Buffer.from(BOM + text)],
  ['UTF-16 LE', (text) => Buffer.from(BOM + text.replaceAll('\n', '\r\n'), 'utf16le')],
  ['UTF-16 BE', (text) => utf16be(text.replaceAll('\n', '\r\n'))],
];

for (const [name, store] of FORMATS)
  for (const end of ['\n', ''])
    test(`a file keeps its format: ${name}, ${end === '' ? 'without' : 'with'} a newline at its end`, async (t) => {
      const { use, repo_dir } = await toolbox(t, { f: store(`öne\ntwo\nthree 😀${end}`) });
      const bytes = () => readFile(join(repo_dir, 'f'));
      t.is(await use('read_file', { path: 'f' }), '1\töne\n2\ttwo\n3\tthree 😀');
      t.regex(await use('edit_file', { path: 'f', old_text: 'two\nthree', new_text: '2\n2.5\n3' }), /^Replaced it/);
      t.deepEqual(await bytes(), store(`öne\n2\n2.5\n3 😀${end}`));
      t.regex(await use('edit_file', { path: 'f', old_text: '3 😀', new_text: '3\n4' }), /^Replaced it/);
      t.deepEqual(await bytes(), store(`öne\n2\n2.5\n3\n4${end}`));
      t.regex(await use('write_file', { path: 'f', content: `new\n$&${end}` }), /^Replaced f: 2 lines/);
      t.deepEqual(await bytes(), store(`new\n$&${end}`));
    });

test('in a file with mixed line endings each line keeps its own', async (t) => {
  const { use, repo_dir } = await toolbox(t, { f: 'a\r\nb\nc\r\nd\n' });
  await use('edit_file', { path: 'f', old_text: 'a\nb\nc', new_text: 'A\nB\nC' });
  t.is(await readFile(join(repo_dir, 'f'), 'utf8'), 'A\r\nB\r\nC\r\nd\n');
  await use('edit_file', { path: 'f', old_text: 'd\n', new_text: 'd\ne\n' });
  t.is(await readFile(join(repo_dir, 'f'), 'utf8'), 'A\r\nB\r\nC\r\nd\ne\n');
});

test('line endings that the model names are written as they are', async (t) => {
  const { use, repo_dir } = await toolbox(t, { lf: 'a\nb\n', crlf: 'a\r\nb\r\n' });
  await use('edit_file', { path: 'lf', old_text: 'a\n', new_text: 'a\r\n' });
  t.is(await readFile(join(repo_dir, 'lf'), 'utf8'), 'a\r\nb\n');
  await use('edit_file', { path: 'crlf', old_text: 'a\r\nb', new_text: 'A\r\nB' });
  t.is(await readFile(join(repo_dir, 'crlf'), 'utf8'), 'A\r\nB\r\n');
  await use('write_file', { path: 'lf', content: 'x\r\ny\r\n' });
  t.is(await readFile(join(repo_dir, 'lf'), 'utf8'), 'x\r\ny\r\n');
});

test('what is no text is not edited, but can be replaced; the model is told of the encoding', async (t) => {
  const latin = Buffer.from('caf\xe9\n', 'latin1');
  const { use, repo_dir } = await toolbox(t, { latin });
  t.regex(
    await use('read_file', { path: 'latin' }),
    /^1\tcaf\\xe9\n\[The file is not UTF-8: .*not with write_file\.\]$/,
  );
  t.regex(await use('edit_file', { path: 'latin', old_text: 'caf', new_text: 'tea' }), /^ERROR: latin is not UTF-8/);
  t.deepEqual(await readFile(join(repo_dir, 'latin')), latin);
  t.regex(
    await use('write_file', { path: 'latin', content: 'café\n' }),
    /^Replaced latin: 1 line, as UTF-8\. .*run_command\.$/,
  );
  t.is(await readFile(join(repo_dir, 'latin'), 'utf8'), 'café\n');
});

test('edits keep the mode and follow links inside the repository', async (t) => {
  const { use, repo_dir } = await toolbox(t);
  for (const mode of [0o755, 0o600, 0o444, 0o640]) {
    await writeFile(join(repo_dir, `f${mode}`), 'one\n');
    await chmod(join(repo_dir, `f${mode}`), mode);
    await symlink(`f${mode}`, join(repo_dir, `link${mode}`));
    await use('edit_file', { path: `link${mode}`, old_text: 'one', new_text: 'two' });
    t.true((await lstat(join(repo_dir, `link${mode}`))).isSymbolicLink());
    await use('write_file', { path: `link${mode}`, content: 'three\n' });
    t.true((await lstat(join(repo_dir, `link${mode}`))).isSymbolicLink());
    t.is((await stat(join(repo_dir, `f${mode}`))).mode & 0o7777, mode);
    t.is(await readFile(join(repo_dir, `f${mode}`), 'utf8'), 'three\n');
  }
});
