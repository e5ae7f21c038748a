import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeCertificate } from '../../support/certificate.ts';
import { CommandLine } from '../../support/command-line.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { startFront } from '../../support/redirecting-front.ts';
import { StagedErrand } from '../../support/staged-errand.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';

const CODES = [301, 302, 303, 307, 308];
const EMAIL = 'ada@example.org';
const TASK = ['task', 'Mend it', '--repo', 'errand://sample', '--json'];

/** A server behind a front, and a command line that is logged in to it through the front. */
async function behindFront(t: ExecutionContext) {
  const server = await startApi(t);
  const { api } = await server.person(EMAIL);
  const front = await startFront(t, server.url);
  const cli = await CommandLine.create(t);
  const login = await cli.run(['login', '--server', `http://${front.host}`, '--email', EMAIL], { stdin: PASSWORD });
  t.is(login.code, 0, login.stderr);
  return { server, api, front, cli };
}

test('a redirect at the same address is followed once, with the same method, body and token', async (t) => {
  const { api, front, cli } = await behindFront(t);
  for (const status of CODES) {
    front.status = status;
    front.requests.length = 0;
    let redirects = 0;
    front.redirect = ({ url }) => (redirects++ % 2 === 0 ? url : undefined);
    const listed = await cli.run(['tasks', '--json']);
    t.is(listed.code, 0, `${status}: ${listed.stderr}`);
    const sent = await cli.run(TASK);
    if (status === 303) {
      t.is(sent.code, 2);
      t.regex(sent.stderr, /redirects to http:\S+\/task for the answer to a POST/);
      continue;
    }
    t.is(sent.code, 0, `${status}: ${sent.stderr}`);
    const posts = front.requests.filter(({ method }) => method === 'POST');
    t.is(posts.length, 2);
    for (const name of ['authorization', 'idempotency-key', 'content-length'])
      t.is(posts[0]?.headers[name], posts[1]?.headers[name]);
  }
  const { items } = await api.call('listTasks', {});
  t.is(items.length, CODES.length - 1);
});

test('another host is named, and gets neither the token nor the password', async (t) => {
  const { server, front, cli } = await behindFront(t);
  const other = await startFront(t, server.url);
  front.redirect = ({ url }) => `http://${other.host}${url}`;
  for (const status of CODES) {
    front.status = status;
    for (const argv of [['tasks'], TASK, ['watch', '0'.repeat(20)]]) {
      const { code, stderr } = await cli.run(argv);
      t.is(code, 2);
      t.true(stderr.includes(`http://${other.host}`), `${status} ${argv[0]}: ${stderr}`);
    }
    const listed = await cli.run(['tasks']);
    t.true(
      listed.stderr.endsWith(`log in there with: npx errand login --server http://${other.host}\n`),
      listed.stderr,
    );
    const fresh = await CommandLine.create(t);
    const login = ['login', '--server', `http://${front.host}`, '--email', EMAIL];
    const { code, stderr } = await fresh.run(login, { stdin: PASSWORD });
    t.is(code, 2);
    t.true(stderr.includes(`--server http://${other.host}`), stderr);
  }
  t.deepEqual(other.requests, []);
});

test('a redirect in a circle ends, and says so', async (t) => {
  const { front, cli } = await behindFront(t);
  front.redirect = ({ url }) => url;
  front.requests.length = 0;
  const { code, stderr } = await cli.run(['tasks']);
  t.is(code, 2);
  t.regex(stderr, /after 5 redirects before: they lead nowhere/);
  t.is(front.requests.length, 6);
});

test('http that redirects to https of the same host is followed, and the log-in is kept with https', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person(EMAIL);
  const folder = await temporaryFolder(t);
  const certificate = await makeCertificate(folder, ['127.0.0.1']);
  await writeFile(join(folder, 'ca.pem'), certificate.cert);
  const env = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
  const front = await startFront(t, server.url, certificate);
  front.redirect = ({ url }) => `https://${front.host}${url}`;
  front.status = 308;
  const cli = await CommandLine.create(t);
  const argv = ['login', '--server', `http://${front.host}`, '--email', EMAIL];
  for (let times = 0; times < 2; times++) {
    const login = await cli.run(argv, { stdin: PASSWORD, env });
    t.is(login.stdout, `You are logged in to https://${front.host} as ${EMAIL} (owner).\n`, login.stderr);
  }
  t.true(front.requests.every(({ url }) => url === '/healthz'));
  t.is((await cli.servers()).servers.length, 1);

  // A log-in that was stored before the server had https is redirected at each request, its socket included.
  const stored = JSON.stringify(await cli.servers()).replaceAll('https:', 'http:');
  await writeFile(cli.servers_path, stored);
  const sent = await cli.run(TASK, { env });
  t.is(sent.code, 0, sent.stderr);
  const { id } = JSON.parse(sent.stdout);
  const watching = cli.start(['watch', id], { env });
  await until('its socket is redirected', () => front.requests.some(({ url }) => url.startsWith('/ws/')));
  const errand = new StagedErrand(server.log, id);
  errand.begin();
  errand.end('cancelled');
  t.is((await watching.ended).code, 3);
  t.is((await api.call('getTask', { params: { id } })).status, 'cancelled');
});

test('a redirected socket never goes to another host', async (t) => {
  const { server, api, front, cli } = await behindFront(t);
  const other = await startFront(t, server.url);
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'errand://sample' } });
  front.redirect = ({ url = '', headers }) => (headers.upgrade ? `http://${other.host}${url}` : undefined);
  const { code, stderr } = await cli.run(['watch', id]);
  t.is(code, 2);
  t.true(stderr.includes(`login --server http://${other.host}\n`), stderr);
  t.deepEqual(other.requests, []);
});
