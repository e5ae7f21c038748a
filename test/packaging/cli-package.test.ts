import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { setupLink } from '../../coordinator/auth/setup-code.ts';
import { temporaryFolder } from '../support/folder.ts';
import { PASSWORD, startApi } from '../support/start-api.ts';

const execute = promisify(execFile);
const PACK = fileURLToPath(new URL('../../coordinator/cli/package/pack.ts', import.meta.url));
const LAUNCHER = fileURLToPath(new URL('../../coordinator/cli/package/errand.cjs', import.meta.url));

test('the packed command line installs with three dependencies, and works without the clone', async (t) => {
  t.timeout(120_000);
  const folder = await temporaryFolder(t);
  const { stdout: path } = await execute(process.execPath, [PACK, folder]);
  await execute('npm', ['install', '--global', '--prefix', folder, '--no-audit', '--no-fund', path.trim()]);
  const installed = join(folder, 'lib/node_modules/errand');
  t.deepEqual((await readdir(join(installed, 'node_modules'))).filter((name) => !name.startsWith('.')).sort(), [
    'uqr',
    'ws',
    'zod',
  ]);

  const server = await startApi(t);
  const env = { PATH: process.env.PATH, HOME: folder, ERRAND_PASSWORD: PASSWORD };
  const errand = (...argv: string[]) => execute(join(folder, 'bin/errand'), argv, { env, cwd: folder });
  const login = await errand('signup', setupLink(server.url, server.setup_code), '--email', 'ada@example.org');
  t.regex(login.stdout, /^You are logged in to /);
  t.is((await errand('tasks')).stdout, 'No errands. Send one with: errand task "…" --repo errand://sample\n');
  const refused = await t.throwsAsync(errand('backup'), {
    message: /runs on the server's machine, in Errand's folder/,
  });
  t.like(refused, { code: 2 });
});

test('the launcher tells the user of an old Node which one is needed', async (t) => {
  const old = join(await temporaryFolder(t), 'old.cjs');
  await writeFile(old, `Object.defineProperty(process, 'versions', { value: { node: '18.19.0' } });`);
  const refused = await t.throwsAsync(execute(process.execPath, ['--require', old, LAUNCHER]));
  t.like(refused, {
    code: 2,
    stderr: 'errand needs Node 24 or newer, and this is Node 18.19.0. Get one from https://nodejs.org\n',
  });
  // Syntax newer than 2015 would be a syntax error there.
  t.notRegex(await readFile(LAUNCHER, 'utf8'), /\b(const|let|import|await|class)\b|=>|`|\?\?/);
});
