import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { setupLink } from '../../../../coordinator/auth/setup-code.ts';
import { CommandLine } from '../../../support/command-line.ts';
import { CoordinatorProcess } from '../../../support/coordinator-process.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { setupCodeOf } from '../../../support/setup-code.ts';

const EMAIL = 'ada@example.org';
const PROCESSES = { ERRAND_RUNNER: 'process' };

test('password reset gives an owner a new password while the server is stopped', async (t) => {
  const data_dir = await temporaryFolder(t);
  const env = { ERRAND_DATA: data_dir };
  const cli = await CommandLine.create(t);
  const first = CoordinatorProcess.start(t, data_dir, PROCESSES);
  const login = ['login', '--name', 'home', '--email', EMAIL];
  const link = setupLink(await first.url(), setupCodeOf(data_dir));
  await cli.run(['signup', link, ...login.slice(1)], { stdin: 'correct horse battery' });

  const running = await cli.run(['password', 'reset', EMAIL], { env });
  t.is(running.code, 2);
  t.regex(running.stderr, /^The server is running on .*\. Stop it first\./);
  await first.stop();
  const keys = join(data_dir, 'keys.json');
  await rename(keys, `${keys}.away`);
  const keyless = await cli.run(['password', 'reset', EMAIL], { env });
  t.is(keyless.code, 2);
  t.regex(keyless.stderr, /^There is no keys\.json in .*\. Put your copy there\./);
  await rename(`${keys}.away`, keys);
  const unknown = await cli.run(['password', 'reset', 'eve@example.org'], { env });
  t.deepEqual([unknown.code, unknown.stderr], [2, 'There is no account with the e-mail address eve@example.org.\n']);
  const { code, stdout, stderr } = await cli.run(['password', 'reset', ' Ada@example.org'], { env });
  t.is(code, 0, stderr);
  const password = /is (\S+)$/m.exec(stdout)?.[1] ?? '';

  const second = CoordinatorProcess.start(t, data_dir, { ...PROCESSES, PORT: new URL(await first.url()).port });
  await second.url();
  t.regex((await cli.run(['tasks'])).stderr, /^Your log-in has ended\.\nLog in with: npx errand login\n/);
  t.regex((await cli.run(login, { stdin: password })).stdout, /^You are logged in to .* \(owner\)\.$/m);
});

test('password reset creates nothing in a folder without a database', async (t) => {
  const data_dir = await temporaryFolder(t);
  const cli = await CommandLine.create(t);
  const { code, stderr } = await cli.run(['password', 'reset', EMAIL], { env: { ERRAND_DATA: data_dir } });
  t.is(code, 2);
  t.regex(stderr, /^There is no database in .*\. Set ERRAND_DATA to the data folder of the server\.\n$/);
  t.deepEqual(await readdir(data_dir), []);
});

test('password reset says what is wrong with a data folder that cannot be locked, and what to do', async (t) => {
  const data_dir = await temporaryFolder(t);
  await writeFile(join(data_dir, 'errand.db'), '');
  await mkdir(join(data_dir, 'errand.lock'));
  const cli = await CommandLine.create(t);
  const { code, stderr } = await cli.run(['password', 'reset', EMAIL], { env: { ERRAND_DATA: data_dir } });
  t.is(code, 2);
  t.regex(stderr, /^Errand cannot use its data folder .*errand\.lock'\.\nMake the user that runs Errand the owner/);
});
