import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { paint } from '../../../coordinator/cli/render/line.ts';
import { qrLines } from '../../../coordinator/cli/render/qr.ts';
import { CommandLine } from '../../support/command-line.ts';
import { loggedIn } from '../../support/logged-in.ts';
import { PASSWORD } from '../../support/start-api.ts';

test('errand qr prints a link, which logs another command line in once', async (t) => {
  const { server, network, cli } = await loggedIn(t);
  const { stdout } = await cli.run(['qr']);
  const link = /^http\S+$/m.exec(stdout)?.[0] ?? '';
  t.true(link.startsWith(`${network.url}/#login=`));
  t.regex(stdout, /Only this machine reaches that address/);
  const phone = await CommandLine.create(t);
  const first = await phone.run(['login', '--server', link]);
  t.is(first.stdout, `You are logged in to ${network.url} as person1@example.org (owner).\n`);
  const again = await phone.run(['login', '--server', link]);
  t.is(again.code, 2);
  t.regex(again.stderr, /used before, or has expired/);
  t.regex((await cli.run(['sessions'])).stdout, /this one/);
  t.is(server.lines.filter((line) => line.includes(link.split('=')[1] ?? '-')).length, 0);
});

test('each kind of link says which command takes it', async (t) => {
  const { cli } = await loggedIn(t);
  const linkOf = async (argv: string[]) => /^http\S+$/m.exec((await cli.run(argv)).stdout)?.[0] ?? '';
  const invite = await linkOf(['invite', '--days', '2']);
  const login = await linkOf(['qr']);
  t.regex((await cli.run(['login', '--server', invite])).stderr, /^This link makes an account: npx errand signup http/);
  t.regex(
    (await cli.run(['signup', login])).stderr,
    /^This link logs in to an account: npx errand login --server http/,
  );
});

test('the owner invites, lists, blocks, unblocks and removes a person', async (t) => {
  const { cli } = await loggedIn(t);
  const link = /^http\S+$/m.exec((await cli.run(['invite'])).stdout)?.[0] ?? '';
  t.regex((await cli.run(['invites'])).stdout, /valid until/);
  const bob = await CommandLine.create(t);
  const joined = await bob.run(['signup', link, '--email', 'bob@example.org'], { stdin: PASSWORD });
  t.regex(joined.stdout, /as bob@example\.org \(member\)/);
  t.is((await cli.run(['invites'])).stdout, '');
  const list = async () => (await cli.run(['people'])).stdout.split('\n').find((line) => line.startsWith('bob'));
  t.regex((await list()) ?? '', /member {2}\$0 this month, 0 open/);

  t.is((await cli.run(['person', 'block', 'Bob@example.org', '--yes'])).code, 0);
  t.regex((await list()) ?? '', /blocked$/);
  t.regex((await bob.run(['tasks'])).stderr, /^Your log-in has ended/);
  const refused = await bob.run(['login', '--email', 'bob@example.org'], { stdin: PASSWORD });
  t.is(refused.stderr, 'The owner of this server has blocked your account.\n');
  t.is((await cli.run(['person', 'unblock', 'bob@example.org'])).code, 0);
  t.is((await bob.run(['login', '--email', 'bob@example.org'], { stdin: PASSWORD })).code, 0);
  t.regex((await bob.run(['people'])).stderr, /Only the server's owner can do this/);

  t.is((await cli.run(['person', 'remove', 'bob@example.org', '--yes'])).code, 0);
  t.is(await list(), undefined);
  const gone = await cli.run(['person', 'block', 'bob@example.org', '--yes']);
  t.regex(gone.stderr, /^There is no person 'bob@example\.org'\.\nList them with: npx errand people/);
});

test('an invitation can be revoked', async (t) => {
  const { cli } = await loggedIn(t);
  await cli.run(['invite']);
  const id = (await cli.run(['invites'])).stdout.split(' ')[0] ?? '';
  t.is((await cli.run(['invite', 'revoke', id])).stdout, 'The invitation is revoked.\n');
  t.is((await cli.run(['invites'])).stdout, '');
});

test('the owner reads the state of the server, and its settings without secrets', async (t) => {
  const { cli } = await loggedIn(t);
  const status = (await cli.run(['server', 'status'])).stdout;
  for (const part of [/^Errands are started\.$/m, /^queue +0$/m, /^workers +0 of 2 at work/m, /^backup +none/m])
    t.regex(status, part);
  const { disk } = JSON.parse((await cli.run(['server', 'status', '--json'])).stdout) as {
    disk: { total_bytes: number };
  };
  t.true(status.includes(`of ${(disk.total_bytes / 1024 ** 3).toFixed(1)} GB;`), 'in the units of the settings');
  const settings = (await cli.run(['server', 'settings'])).stdout;
  t.regex(settings, /^ERRAND_SIGNUP {2}open$/m);
  t.regex(settings, /^PORT {2}8787 {2}default$/m);
  t.regex(settings, /^ANTHROPIC_API_KEY {2}\(not set\)/m);
});

test('a QR code has the size of its text, fits 60 columns, and is light on dark in every terminal', (t) => {
  const lines = qrLines(`https://errand.example.org/#login=${'x'.repeat(32)}`);
  const widths = new Set(lines.map((line) => stripVTControlCharacters(paint(line, true)).length));
  const [width = 0] = widths;
  t.is(widths.size, 1);
  t.true(width <= 60);
  t.is(lines.length, Math.ceil(width / 2));
  t.true(paint(lines[0] ?? [], true).startsWith('\u001b['));
});
