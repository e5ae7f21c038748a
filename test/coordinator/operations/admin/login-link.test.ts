import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { setupLink } from '../../../../coordinator/auth/setup-code.ts';
import { addressesElsewhere } from '../../../../coordinator/base/listen.ts';
import { CommandLine } from '../../../support/command-line.ts';
import { CoordinatorProcess } from '../../../support/coordinator-process.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { setupCodeOf } from '../../../support/setup-code.ts';

test("login-link on the server's machine logs the owner in without a password, while the server runs", async (t) => {
  const data_dir = await temporaryFolder(t);
  const env = { ERRAND_DATA: data_dir };
  const cli = await CommandLine.create(t);
  const none = await cli.run(['login-link'], { env });
  t.is(none.code, 2);
  t.regex(none.stderr, /^No server runs on /);

  const server = CoordinatorProcess.start(t, data_dir, { ERRAND_RUNNER: 'process' });
  const url = await server.url();
  t.is((await cli.run(['login-link'], { env })).stderr, 'Nobody has an account yet: sign up first.\n');
  const signup = ['signup', setupLink(url, setupCodeOf(data_dir)), '--email', 'ada@example.org'];
  await cli.run(signup, { stdin: 'correct horse battery' });
  t.is((await stat(join(data_dir, 'login.sock'))).mode & 0o777, 0o600);

  for (const argv of [['login-link'], ['login-link', ' Ada@example.org']]) {
    const { stdout, stderr } = await cli.run(argv, { env });
    const link = /^http\S+$/m.exec(stdout)?.[0] ?? stderr;
    t.true(link.startsWith(`${url}/#login=`), link);
    const phone = await CommandLine.create(t);
    const { stdout: logged_in } = await phone.run(['login', '--server', link]);
    t.is(logged_in, `You are logged in to ${url} as ada@example.org (owner).\n`);
  }
  const eve = await cli.run(['login-link', 'eve@example.org'], { env });
  t.is(eve.stderr, 'There is no account eve@example.org.\n');
});

test('the link is one that a phone can open, where the server listens on all addresses', async (t) => {
  const data_dir = await temporaryFolder(t);
  const env = { ERRAND_DATA: data_dir };
  const cli = await CommandLine.create(t);
  const server = CoordinatorProcess.start(t, data_dir, { ERRAND_RUNNER: 'process', HOST: '0.0.0.0' });
  const url = await server.url();
  const signup = ['signup', setupLink(url, setupCodeOf(data_dir)), '--email', 'ada@example.org'];
  await cli.run(signup, { stdin: 'correct horse battery' });
  // A machine without a network has no such address.
  const [for_phones = url] = addressesElsewhere('0.0.0.0', Number(new URL(url).port));
  for (const command of ['login-link', 'qr', 'invite']) {
    const { stdout, stderr } = await cli.run([command], { env });
    const link = /^http\S+$/m.exec(stdout)?.[0] ?? stderr;
    t.true(link.startsWith(`${for_phones}/#`), link);
    if (command === 'invite') continue;
    const phone = await CommandLine.create(t);
    const { stdout: logged_in } = await phone.run(['login', '--server', link]);
    t.is(logged_in, `You are logged in to ${for_phones} as ada@example.org (owner).\n`);
  }
});
