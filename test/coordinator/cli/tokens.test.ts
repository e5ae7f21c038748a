import test from 'ava';
import { CommandLine } from '../../support/command-line.ts';
import { loggedIn } from '../../support/logged-in.ts';

test('token add prints a token, with which a script needs no log-in; revoke ends it', async (t) => {
  const { server, cli } = await loggedIn(t);
  t.regex((await cli.run(['tokens'])).stdout, /^No API tokens\. Make one with: /);
  const made = await cli.run(['token', 'add', 'nightly', '--scope', 'read', '--scope', 'tasks', '--days', '7']);
  t.is(made.code, 0, made.stderr);
  const token = made.stdout.trim();
  t.regex(token, /^errand_[\w-]{43}$/);
  t.regex(made.stderr, /^It is shown only now, and expires at /);
  t.regex((await cli.run(['tokens'])).stdout, /^\w+ {2}nightly {2}read, tasks {2}until .* never used\n$/);

  const script = await CommandLine.create(t);
  const env = { ERRAND_TOKEN: token, ERRAND_SERVER: server.url };
  const sent = await script.run(['task', 'Mend it', '--repo', 'https://forge.example/a/b'], { env });
  t.is(sent.code, 0, sent.stderr);
  t.regex((await script.run(['tasks'], { env })).stdout, /Mend it/);
  const forbidden = await script.run(['project', 'add', 'p', '--repo', 'https://forge.example/a/b'], { env });
  t.is(forbidden.code, 2);
  t.is(forbidden.stderr, "This needs the scope 'projects': the API token may not.\n");

  t.is((await cli.run(['token', 'revoke', 'nightly'])).stdout, 'The API token is revoked.\n');
  const after = await script.run(['tasks'], { env });
  t.is(after.code, 2);
  t.regex(after.stderr, /^The API token is not valid/);
});

test('a command needs no other scope of an API token than the routes that it calls', async (t) => {
  const { server, cli } = await loggedIn(t);
  const token = async (scope: string) => (await cli.run(['token', 'add', scope, '--scope', scope])).stdout.trim();
  const script = await CommandLine.create(t);
  const env = { ERRAND_TOKEN: await token('tasks'), ERRAND_SERVER: server.url };
  const sent = await script.run(['task', 'Mend it', '--repo', 'errand://sample', '--json'], { env });
  t.is(sent.code, 0, sent.stderr);
  t.is((await script.run(['cancel', JSON.parse(sent.stdout).id], { env })).code, 0);
  const followed = await script.run(['task', 'Mend it', '--repo', 'errand://sample', '--follow'], { env });
  t.is(followed.stderr, "This needs the scope 'read': the API token may not.\n");

  env.ERRAND_TOKEN = await token('projects');
  const made = await script.run(['project', 'add', 'p', '--repo', 'https://forge.example/a/b'], { env });
  t.is(made.code, 0, made.stderr);
});

test('what is missing for a token or a password is named, and a token that has ended suggests no log-in', async (t) => {
  const { server, cli } = await loggedIn(t);
  const token = (await cli.run(['token', 'add', 'ci', '--scope', 'read', '--scope', 'tasks'])).stdout.trim();
  const script = await CommandLine.create(t);
  const said = async (argv: string[], env: Record<string, string>) => {
    const { code, stderr } = await script.run(argv, { env });
    t.is(code, 2);
    return stderr;
  };
  t.is(
    await said(['tasks'], { ERRAND_TOKEN: token }),
    'ERRAND_TOKEN is set, but no server: set ERRAND_SERVER to its address.\n',
  );
  t.regex(
    await said(['tasks'], { ERRAND_TOKEN: '', ERRAND_SERVER: server.url }),
    /^You are not logged in to http:.*, and ERRAND_TOKEN is not set\.\n/,
  );
  t.regex(await said(['tasks', '--server', 'work'], {}), /^There is no server 'work'\./);
  t.is(
    await said(['login', '--server', server.url, '--email', 'ada@example.org'], {}),
    'The standard input must have one line with the password, unless ERRAND_PASSWORD has it.\n',
  );

  const env = { ERRAND_TOKEN: token, ERRAND_SERVER: server.url };
  const watching = script.start(['task', 'Mend it', '--repo', 'errand://sample', '--follow'], { env });
  await watching.shows('Mend it');
  await cli.run(['token', 'revoke', 'ci']);
  const { code, stderr } = await watching.ended;
  t.is(code, 2);
  t.is(stderr, 'The API token is not valid: it expired, or was revoked.\n');
});

test('token add reads by default, and names a scope or a number that is wrong', async (t) => {
  const { cli } = await loggedIn(t);
  const made = await cli.run(['token', 'add', 'x', '--json']);
  t.deepEqual(JSON.parse(made.stdout).scopes, ['read']);
  t.regex(
    (await cli.run(['token', 'add', 'x', '--scope', 'admin'])).stderr,
    /^'admin' is not a scope: .* read, tasks, projects/,
  );
  t.regex((await cli.run(['token', 'add', 'x', '--days', 'many'])).stderr, /^--days is not a number/);
  t.regex((await cli.run(['token', 'add', 'x', '--days', '9999'])).stderr, /expires_in_days|--days/);
});
