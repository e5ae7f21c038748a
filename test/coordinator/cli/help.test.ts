import { execFile } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { COMMANDS } from '../../../coordinator/cli/commands.ts';
import { helpOf, overviewOf } from '../../../coordinator/cli/help.ts';
import { columnLines } from '../../../coordinator/cli/render/columns.ts';
import { paint } from '../../../coordinator/cli/render/line.ts';
import { programName } from '../../../coordinator/cli/render/program.ts';
import { temporaryFolder } from '../../support/folder.ts';

const MAIN = fileURLToPath(new URL('../../../coordinator/cli/main.ts', import.meta.url));

test('help fits a terminal of 60 columns', (t) => {
  const lines = [...overviewOf(COMMANDS, 60), ...COMMANDS.flatMap((command) => helpOf(command, 60))];
  for (const line of lines) t.true(paint(line, false).length <= 60, paint(line, false));
});

test('the second column wraps beside the first, or goes below it if the first is wide', (t) => {
  const text = (columns: number) =>
    columnLines(
      [
        ['a', 'one two three four five six'],
        ['bc', 'seven'],
      ],
      columns,
    ).map((line) => paint(line, false));
  t.deepEqual(text(24), ['a   one two three four', '    five six', 'bc  seven']);
  const wide = columnLines([['a-wide-column', 'one two three']], 20).map((line) => paint(line, false));
  t.deepEqual(wide, ['a-wide-column', '      one two three']);
});

test('messages name the program as it was typed', (t) => {
  t.is(programName('/usr/local/bin/errand'), 'errand');
  t.is(programName('C:\\errand\\errand.cjs'.replaceAll('\\', '/')), 'errand');
  t.is(programName('/home/ada/errand/node_modules/.bin/errand'), 'npx errand');
  t.is(programName('/home/ada/errand/coordinator/cli/main.ts'), 'npx errand');
});

test('a command that runs on the machine of the server names the program as it was typed, too', async (t) => {
  const installed = join(await temporaryFolder(t), 'errand');
  await symlink(MAIN, installed);
  const firstLine = async (program: string) => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, 'backup', '--help']);
    return stdout.split('\n')[0] ?? '';
  };
  t.regex(await firstLine(installed), /^errand backup/);
  t.regex(await firstLine(MAIN), /^npx errand backup/);
});

test('the command line says its version', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, '--version']);
  t.regex(stdout, /^errand \d+\.\d+\.\d+\n$/);
});
