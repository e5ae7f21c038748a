import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { ForgeHttp } from '../../../coordinator/forge/forge-http.ts';
import { NO_PROXY } from '../../../coordinator/base/outgoing.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { forgeHttp } from '../../support/forge/forge-http.ts';

const LIMITS = { ms: 200, bytes_max: 1_000 };

async function serve(t: ExecutionContext, listener: RequestListener): Promise<URL> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

function open(t: ExecutionContext, private_hosts: string[], proxy = NO_PROXY): ForgeHttp {
  return forgeHttp(t, private_hosts, { proxy });
}

const get = (url: URL) => ({ method: 'GET' as const, url, headers: {} });

test('an answer that is slow to begin or to end is given up', async (t) => {
  const silent = await serve(t, () => {});
  const drips = await serve(t, (_, response) => {
    response.writeHead(200).write('a');
  });
  const http = open(t, ['127.0.0.1']);
  for (const url of [silent, drips]) {
    const error = await t.throwsAsync(http.sendOnce(get(url), LIMITS), {
      message: /did not answer within 0.2 seconds/,
    });
    t.like(error, { fault: 'unreachable' });
  }
});

test('an answer that says it is large, or is, is refused; of a log the end is kept', async (t) => {
  const url = await serve(t, (_, response) => response.end(`${'a'.repeat(2_000)}end`));
  const http = open(t, ['127.0.0.1']);
  await t.throwsAsync(http.sendOnce(get(url), { ...LIMITS, ms: 5_000 }), { message: /more than 1000 bytes/ });
  const limits = { ms: 5_000, bytes_max: 1_000_000, tail_bytes: 10 };
  t.is((await http.sendOnce(get(url), limits)).body.toString(), 'aaaaaaaend');
  const all = await http.sendOnce(get(url), { ...limits, tail_bytes: 100_000 });
  t.is(all.body.length, 2_003);
});

test('a private host is not asked unless the owner lists it, with a proxy or without', async (t) => {
  let asked = 0;
  const url = await serve(t, (_, response) => {
    asked++;
    response.end();
  });
  const refused = { message: /private address.*ERRAND_PRIVATE_HOSTS/ };
  await t.throwsAsync(open(t, []).send(get(url)), refused);
  await t.throwsAsync(open(t, ['127.0.0.1:1']).send(get(url)), refused);
  const proxy = { https_proxy: '', http_proxy: url.href, no_proxy: '' };
  await t.throwsAsync(open(t, [], proxy).send(get(new URL('http://10.0.0.1/'))), refused);
  t.is(asked, 0);
  await open(t, [url.host]).send(get(url));
  t.is(asked, 1);
});

test('a certificate whose authority is not known: the error says what the owner can do', async (t) => {
  const server = createTlsServer(await makeCertificate(await temporaryFolder(t), ['127.0.0.1']));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await t.throwsAsync(open(t, ['127.0.0.1']).send(get(url)), {
    message: /could not be reached: DEPTH_ZERO_SELF_SIGNED_CERT\. .*NODE_EXTRA_CA_CERTS/,
  });
});

test('a request in progress ends when the client closes', async (t) => {
  const arrived = Promise.withResolvers<void>();
  const url = await serve(t, () => arrived.resolve());
  const http = open(t, ['127.0.0.1']);
  const request = http.send(get(url));
  await arrived.promise;
  await http.close();
  await t.throwsAsync(request, { message: /could not be reached/ });
});

test('a connection that the forge closed is opened again to read, and never to write', async (t) => {
  let asked = 0;
  const url = await serve(t, (request, response) => {
    asked++;
    if (asked === 1 || request.method === 'POST') request.socket.destroy();
    else response.end('here');
  });
  const http = open(t, ['127.0.0.1']);
  t.is((await http.send(get(url))).body.toString(), 'here');
  t.is(asked, 2);
  await t.throwsAsync(http.send({ ...get(url), method: 'POST', body: '{}' }), { message: /could not be reached/ });
  t.is(asked, 3);
});

test('a caller whose time is up learns that the forge did not answer; one who stops, why', async (t) => {
  const silent = await serve(t, () => {});
  const http = open(t, ['127.0.0.1']);
  const late = await t.throwsAsync(http.send({ ...get(silent), signal: AbortSignal.timeout(50) }), {
    message: /did not answer in time/,
  });
  t.like(late, { name: 'ForgeApiError', fault: 'unreachable', malformed: false });
  const stop = new AbortController();
  const either = AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]);
  const stopped = http.send({ ...get(silent), signal: either });
  stop.abort(new Error('stopped by the test'));
  await t.throwsAsync(stopped, { message: 'stopped by the test' });
});
