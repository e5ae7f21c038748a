import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { makeCertificate } from '../../support/certificate.ts';
import { CommandLine } from '../../support/command-line.ts';
import { startConnectProxy } from '../../support/connect-proxy.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { StagedErrand } from '../../support/staged-errand.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';

/** A name that only the proxy knows. */
const HOST = 'errand.test';

/** A server with an errand that waits, and the command line on a machine that reaches it by a proxy alone. */
async function scene(t: ExecutionContext) {
  const server = await startApi(t, { ERRAND_HOSTS: HOST });
  const { api, session } = await server.person('ada@example.org');
  const { id } = await sendErrand(api, { prompt: 'Do it' });
  const errand = new StagedErrand(server.log, id);
  const port = Number(new URL(server.url).port);
  return { port, api, id, errand, email: session.user.email, cli: await CommandLine.create(t) };
}

/** Puts TLS in front of a port. */
async function startTls(t: ExecutionContext, port: number) {
  const folder = await temporaryFolder(t);
  const front = createServer(await makeCertificate(folder, [HOST]), (near) => {
    const far = connect(port, '127.0.0.1');
    far.pipe(near).pipe(far);
    for (const each of [near, far]) each.on('error', () => [near, far].forEach((end) => end.destroy()));
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  t.teardown(() => front.close());
  return { port: (front.address() as AddressInfo).port, ca: join(folder, 'cert.pem') };
}

/** A proxy that closes the connection at every question. */
async function startClosingProxy(t: ExecutionContext) {
  const proxy = { url: '', asked: 0 };
  const server = createHttpServer().on('connect', (_request, socket) => {
    proxy.asked++;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}

for (const [scheme, name] of [
  ['http', 'http_proxy'],
  ['https', 'HTTPS_PROXY'],
  ['https', 'HTTP_PROXY'],
] as const)
  test(`the command line reaches a server by ${scheme} through the proxy of ${name}, and its socket too`, async (t) => {
    const { port, api, id, errand, email, cli } = await scene(t);
    const { port: behind, ca } = scheme === 'https' ? await startTls(t, port) : { port, ca: '' };
    const proxy = await startConnectProxy(t, behind);
    const env = { [name]: proxy.url, ERRAND_PASSWORD: PASSWORD, ...(ca && { NODE_EXTRA_CA_CERTS: ca }) };
    const login = await cli.run(['login', '--server', `${scheme}://${HOST}`, '--email', email], { env });
    t.is(login.code, 0, login.stderr);
    const watching = cli.start(['watch', id], { env });
    await watching.shows('Do it');
    errand.begin();
    // Only the socket tells of what happens while somebody watches.
    errand.report({ type: 'log', body: { level: 'info', text: 'It goes through.' } });
    await watching.shows('It goes through.');
    await api.call('cancelTask', { params: { id } });
    errand.end('cancelled');
    const { stdout, stderr } = await watching.ended;
    t.regex(stdout, /cancelled/);
    t.is(stderr, '', 'the connection was never lost');
    t.deepEqual([...new Set(proxy.asked)], [`${HOST}:${scheme === 'https' ? 443 : 80}`]);
  });

test('a proxy that closes every connection is said at once, and is not asked without end', async (t) => {
  const { email, cli } = await scene(t);
  const proxy = await startClosingProxy(t);
  const env = { HTTP_PROXY: proxy.url, ERRAND_PASSWORD: PASSWORD };
  for (const scheme of ['http', 'https']) {
    const { code, stderr } = await cli.run(['login', '--server', `${scheme}://${HOST}`, '--email', email], { env });
    t.is(code, 2);
    t.regex(stderr, /does not answer: the proxy closes the connection/);
  }
  t.true(proxy.asked > 0 && proxy.asked < 100, `${proxy.asked} times`);
});

test('no proxy leads to this machine, nor to the hosts of NO_PROXY', async (t) => {
  const { port, email, cli } = await scene(t);
  const proxy = await startConnectProxy(t, port);
  const env = { HTTP_PROXY: proxy.url, ERRAND_PASSWORD: PASSWORD };
  const url = `http://127.0.0.1:${port}`;
  t.is((await cli.run(['login', '--server', url, '--email', email], { env })).code, 0);
  t.is((await cli.run(['tasks'], { env })).code, 0);
  const direct = ['login', '--server', `http://${HOST}`, '--email', email];
  for (const NO_PROXY of [HOST, '*', 'example.org, *'])
    t.regex((await cli.run(direct, { env: { ...env, NO_PROXY } })).stderr, /does not answer: there is no such host/);
  t.deepEqual(proxy.asked, []);
});

test('what is no address of a proxy is said, without the address', async (t) => {
  const cli = await CommandLine.create(t);
  const { code, stderr } = await cli.run(['tasks'], { env: { HTTPS_PROXY: 'no address:word@' } });
  t.is(code, 2);
  t.regex(stderr, /^HTTPS_PROXY or HTTP_PROXY is not the address of a proxy/);
  t.notRegex(stderr, /word/);
});
