import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import test from 'ava';
import { pathToText, textToPath } from '../../../agent-container/base/byte-path.ts';
import { toolbox } from '../../support/tools.ts';

/** Names of files that are not UTF-8, hold control characters, or look like an escape. */
const NAMES: [name: string, shown: string][] = [
  ['caf\xe9.txt', 'caf\\xe9.txt'],
  ['\xff\xfe', '\\xff\\xfe'],
  ['\xc3\xa9\xc3', 'é\\xc3'],
  ['new\nline', 'new\\x0aline'],
  ['tab\there', 'tab\\x09here'],
  ['a\\xe9', 'a\\x5cxe9'],
  ['back\\slash', 'back\\slash'],
  ['\xf0\x9f\x98\x80 \xed\xa0\x80', '😀 \\xed\\xa0\\x80'],
  ['quote\'"$(x)`*', 'quote\'"$(x)`*'],
  ['-n', '-n'],
  ['%s%n', '%s%n'],
];
const bytes = (text: string) => Buffer.from(text, 'latin1');

test('any bytes become a text and come back', (t) => {
  for (const [name, shown] of NAMES) t.is(pathToText(bytes(name)), shown);
  for (let i = 0; i < 2_000; i++) {
    const name = Buffer.from(Array.from({ length: 1 + (i % 9) }, () => 1 + Math.floor(Math.random() * 255)));
    const text = pathToText(name);
    t.deepEqual(textToPath(text), name, text);
    t.true(text.isWellFormed());
  }
});

for (const [name, shown] of NAMES)
  test(`a file can be listed, read, searched, edited and written whatever its name is: ${shown}`, async (t) => {
    const { use, repo_dir } = await toolbox(t);
    const dir = Buffer.concat([Buffer.from(`${repo_dir}/d`), bytes(name)]);
    const file = Buffer.concat([dir, Buffer.from('/'), bytes(name)]);
    const path = `d${shown}/${shown}`;
    await mkdir(dir);
    await writeFile(file, 'needle one\n');
    t.is(await use('list_files', {}), `.:\nd${shown}/\n${path}`);
    t.is(await use('list_files', { path: `d${shown}` }), `d${shown}:\n${shown}`);
    t.is(await use('read_file', { path }), '1\tneedle one');
    t.is(await use('edit_file', { path, old_text: 'one', new_text: 'two' }), `Replaced it in ${path} (line 1).`);
    t.is(await readFile(file, 'utf8'), 'needle two\n');
    t.regex(await use('search', { pattern: 'needle', path: `d${shown}` }), /:1:needle two$/);
    t.regex(await use('search', { pattern: 'needle', path }), /:1:needle two$/);
    t.is(await use('write_file', { path, content: 'three\n' }), `Replaced ${path}: 1 line.`);
    t.is(
      await use('write_file', { path: `${path}.new/${shown}`, content: 'x' }),
      `Created ${path}.new/${shown}: 1 line.`,
    );
    t.is(await readFile(Buffer.concat([file, Buffer.from('.new/'), bytes(name)]), 'utf8'), 'x');
  });

test('a command stays in a folder whose name is not UTF-8', async (t) => {
  const { use } = await toolbox(t);
  const moved = await use('run_command', { command: `mkdir $'caf\\xe9' && cd $'caf\\xe9' && export A=1` });
  t.regex(moved, /\[the working folder is now caf\\xe9\]$/);
  t.regex(await use('run_command', { command: 'echo $A; touch here' }), /^1\n/);
  t.regex(await use('run_command', { command: 'cd ..; pwd' }), /repo\n/);
  t.is(await use('list_files', {}), '.:\ncaf\\xe9/\ncaf\\xe9/here');
});

test('no escape leads out of the repository', async (t) => {
  const { use, folder, repo_dir } = await toolbox(t);
  await writeFile(`${folder}/secret`, 'out\n');
  await symlink(folder, Buffer.concat([Buffer.from(`${repo_dir}/`), bytes('up\xe9')]));
  for (const path of ['\\x2e\\x2e/secret', '\\x2e./secret', 'up\\xe9/secret', '..\\x2fsecret', 'a\\x00b']) {
    t.regex(await use('read_file', { path }), /^ERROR: /, path);
    t.regex(await use('write_file', { path, content: 'in' }), /^ERROR: /, path);
  }
  t.is(await readFile(`${folder}/secret`, 'utf8'), 'out\n');
});
