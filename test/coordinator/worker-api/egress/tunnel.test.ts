import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect as netConnect, Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { connect as tlsConnect, createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import test from 'ava';
import type { EgressPolicy } from '../../../../coordinator/domain/egress-policy.ts';
import { EgressProxy } from '../../../../coordinator/worker-api/egress/egress-proxy.ts';
import { createLogger } from '../../../../coordinator/base/logger.ts';
import { newId } from '../../../../protocol/ids.ts';
import { makeCertificate } from '../../../support/certificate.ts';
import { extension, message, record, serverName } from '../../../support/client-hello.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { serveTunnel } from '../../../support/tunnel-server.ts';
import { Trickle } from '../../../support/trickle.ts';
import { until } from '../../../support/until.ts';
import {
  HOST,
  PUBLIC,
  TIMEOUTS,
  serve,
  setUp,
  tlsTarget,
  plainTarget,
  granted,
} from '../../../support/tunnel-scene.ts';

const REGISTRIES: EgressPolicy = { egress: 'registries', egress_hosts: [] };
const OPEN: EgressPolicy = { egress: 'open', egress_hosts: [] };
const list = (...egress_hosts: string[]): EgressPolicy => ({ egress: 'list', egress_hosts });
test('a listed host is reached over end-to-end TLS', async (t) => {
  const { target, certificate } = await tlsTarget(t);
  const proxy = await setUp(t, target, REGISTRIES);
  const secure = tlsConnect({ socket: await granted(proxy, `${HOST}:443`), servername: HOST, ca: certificate.cert });
  secure.end('from the worker');
  t.is(await text(secure), 'hello from the worker');
  t.true(secure.authorized);
  await until('both ends are closed', () => proxy.connections() === 0 && target.connections() === 0);
});

test('curl works through the proxy', async (t) => {
  const folder = await temporaryFolder(t);
  const certificate = await makeCertificate(folder, [HOST]);
  const server = createTlsServer(certificate, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'));
  });
  const proxy = await setUp(t, await serve(t, server), REGISTRIES);
  const curl = (...more: string[]) =>
    promisify(execFile)('curl', [
      '-sS',
      '-x',
      `http://127.0.0.1:${proxy.port}`,
      '--cacert',
      `${folder}/cert.pem`,
      ...more,
    ]);
  t.is((await curl(`https://${HOST}/`)).stdout, 'ok');
  await t.throwsAsync(curl('https://example.com/'), { message: /response 403/ });
});

const REFUSED: [string, EgressPolicy, string, number, RegExp][] = [
  ['any host without egress', { egress: 'none', egress_hosts: [HOST] }, `${HOST}:443`, 403, /no other host/],
  ['a host that is not on the list', REGISTRIES, 'constructor:443', 403, /^\{[^]*may reach\."[^]*\}$/],
  ['where Gradle is', REGISTRIES, 'github.com:443', 403, /not on the list.* services\.gradle\.org .*anyone can upload/],
  [
    'where Go modules are',
    REGISTRIES,
    'storage.googleapis.com:443',
    403,
    /not on the list.* proxy\.golang\.org, pub\.dev and/,
  ],
  ['a host that only ends like a listed one', list('example.com'), 'evil-example.com:443', 403, /not on the list/],
  ['a host below a listed one', list('example.com'), 'a.example.com:443', 403, /not on the list/],
  ['a host above a listed pattern', list('*.example.com'), 'example.com:443', 403, /not on the list/],
  ['another port', REGISTRIES, `${HOST}:22`, 403, /port 22/],
  ['plain HTTP to a listed host', REGISTRIES, `${HOST}:80`, 403, /port 80/],
  ['the mail port, even for an open project', OPEN, 'example.com:25', 403, /port 25/],
  ['an address', OPEN, '93.184.215.14:443', 403, /only host names/],
  ['an address as one number', OPEN, '2130706433:443', 403, /only host names/],
  ['an address in hexadecimal', OPEN, '0x7f.0.0.0x1:443', 403, /only host names/],
  ['an address in hexadecimal with a dot too many', OPEN, '0x7f000001..:443', 400, /host name and a port/],
  ['a name with an empty label', OPEN, 'a..example:443', 400, /host name and a port/],
  ['a name that begins with a dot', OPEN, '.a.example:443', 400, /host name and a port/],
  ['an address with a dot at its end', OPEN, '127.0.0.1.:443', 403, /only host names/],
  ['an IPv6 address', OPEN, '[::1]:443', 400, /host name and a port/],
  ['an authority without a port', OPEN, 'example.com', 400, /host name and a port/],
  ['a port that does not exist', OPEN, 'example.com:99999', 400, /host name and a port/],
  ['a user before the host', OPEN, 'a@example.com:443', 400, /host name and a port/],
];

for (const [what, policy, authority, status, words] of REFUSED)
  test(`refuses ${what}`, async (t) => {
    const target = await plainTarget(t);
    const proxy = await setUp(t, target, policy);
    const refused = await proxy.connect(authority);
    t.is(refused.status, status);
    if (refused.socket === undefined) t.regex(refused.text, words);
    t.is(target.connections(), 0);
    await until('the connection is closed', () => proxy.connections() === 0);
  });

test('the status line says why a host is refused, as many clients show nothing else', async (t) => {
  const proxy = await setUp(t, await plainTarget(t), REGISTRIES);
  const curl = promisify(execFile)('curl', ['-sv', '-x', `http://127.0.0.1:${proxy.port}`, 'https://github.com/']);
  await t.throwsAsync(curl, {
    message: /< HTTP\/1\.1 403 github\.com is not on the list .* a person has to allow it\./,
  });
});

test('a host name may be in capitals or end with a dot, and a pattern matches the names below it', async (t) => {
  const target = await plainTarget(t);
  const proxy = await setUp(t, target, list('*.example.com', 'example.com'));
  for (const authority of ['EXAMPLE.com:443', 'example.com.:443', 'a.b.example.com:443'])
    (await granted(proxy, authority)).destroy();
  t.pass();
});

test('an open project reaches any public host on ports 443 and 80, with any protocol', async (t) => {
  const target = await plainTarget(t);
  const proxy = await setUp(t, target, OPEN);
  for (const port of [443, 80]) {
    const socket = await granted(proxy, `example.com:${port}`);
    socket.end('plain');
    t.is(await text(socket), 'hello plain');
  }
});

const PRIVATE = [
  '127.0.0.1',
  '10.0.0.5',
  '169.254.169.254',
  '100.64.0.1',
  '::1',
  'fd00::1',
  '::ffff:10.0.0.1',
  '64:ff9b::a00:1',
];
for (const address of PRIVATE)
  test(`refuses a name with the address ${address}, even among others`, async (t) => {
    const target = await plainTarget(t);
    const answer = (a: string) => ({ address: a, family: a.includes(':') ? 6 : 4 });
    const proxy = await setUp(t, target, OPEN, { resolve: async () => [answer(PUBLIC), answer(address)] });
    const refused = await proxy.connect('example.com:443');
    t.is(refused.status, 403);
    if (refused.socket === undefined) t.regex(refused.text, /ERRAND_PRIVATE_HOSTS=example\.com:443/);
    t.is(target.connections(), 0);
  });

test('a name is resolved once, and the connection goes to that answer', async (t) => {
  const target = await plainTarget(t);
  const answers = [PUBLIC, '127.0.0.1'];
  const reached: unknown[] = [];
  const proxy = await setUp(t, target, OPEN, {
    resolve: async () => [{ address: answers.shift() ?? '127.0.0.1', family: 4 }],
    connect: ({ lookup, host = '', ...rest }) => {
      lookup?.(host, { all: true }, (_error, addresses) => reached.push(addresses));
      lookup?.(host, {}, (_error, address) => reached.push(address));
      return netConnect({ ...rest, host: '127.0.0.1', port: target.port });
    },
  });
  (await granted(proxy, 'rebinding.example:443')).destroy();
  t.deepEqual(reached, [[{ address: PUBLIC, family: 4 }], PUBLIC]);
  t.deepEqual(answers, ['127.0.0.1']);
});

test('a private host that the owner lists with its port is reached without TLS, if the project lists it', async (t) => {
  const target = await plainTarget(t);
  const makeProxy = (policy: EgressPolicy) =>
    new EgressProxy({
      noteUse: () => undefined,
      askForHost: () => undefined,
      policy: () => policy,
      private_hosts: [`localhost:${target.port}`, `127.0.0.1:${target.port}`],
      logger: createLogger('silent'),
    });
  const allowed = await serveTunnel(t, makeProxy(list('localhost', '127.0.0.1')), newId());
  for (const host of ['localhost', '127.0.0.1']) {
    const socket = await granted(allowed, `${host}:${target.port}`);
    socket.end('house');
    t.is(await text(socket), 'hello house');
  }
  t.is((await allowed.connect(`localhost:${target.port + 1}`)).status, 403);
  const registries = await serveTunnel(t, makeProxy(REGISTRIES), newId());
  t.is((await registries.connect(`localhost:${target.port}`)).status, 403);
});

test('a handshake that names another host, or none, is refused before a byte of it is forwarded', async (t) => {
  const { target } = await tlsTarget(t);
  const proxy = await setUp(t, target, REGISTRIES);
  for (const servername of ['evil.example', '']) {
    const socket = await granted(proxy, `${HOST}:443`);
    const secure = tlsConnect({ socket, servername, rejectUnauthorized: false });
    const [error] = (await once(secure, 'error')) as [Error];
    t.regex(error.message, /access denied/);
  }
  t.is(target.received(), 0);
  await until('nothing is open', () => proxy.connections() === 0 && target.connections() === 0);
});

for (const [what, bytes] of [
  ['a handshake that hides its name', record(message(serverName(HOST), extension(0xfe0d, Buffer.alloc(8))))],
  ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['plain HTTP', 'GET / HTTP/1.1\r\n\r\n'],
  ['an end', ''],
] as const)
  test(`${what} instead of a TLS handshake is refused`, async (t) => {
    const { target } = await tlsTarget(t);
    const proxy = await setUp(t, target, REGISTRIES);
    const socket = await granted(proxy, `${HOST}:443`);
    socket.end(bytes);
    t.is((await buffer(socket)).length, 7, 'the alert and nothing else');
    t.is(target.received(), 0);
    await until('nothing is open', () => proxy.connections() === 0 && target.connections() === 0);
  });

test('a handshake that arrives byte by byte is accepted', async (t) => {
  const { target, certificate } = await tlsTarget(t);
  const proxy = await setUp(t, target, REGISTRIES);
  const socket = await granted(proxy, `${HOST}:443`);
  const secure = tlsConnect({ socket: new Trickle(socket), servername: HOST, ca: certificate.cert });
  secure.end('slowly');
  t.is(await text(secure), 'hello slowly');
});

test('a tunnel without a handshake is closed after a timeout', async (t) => {
  const { target } = await tlsTarget(t);
  const proxy = await setUp(t, target, REGISTRIES, { timeouts: { ...TIMEOUTS, hello_ms: 30 } });
  await buffer(await granted(proxy, `${HOST}:443`)).catch(() => {});
  await until('nothing is open', () => proxy.connections() === 0 && target.connections() === 0);
  t.is(target.received(), 0);
});

test('an idle tunnel is closed', async (t) => {
  const target = await plainTarget(t);
  const proxy = await setUp(t, target, OPEN, { timeouts: { ...TIMEOUTS, idle_ms: 30 } });
  await buffer(await granted(proxy, 'example.com:443')).catch(() => {});
  await until('nothing is open', () => proxy.connections() === 0 && target.connections() === 0);
  t.pass();
});

test('a host that does not answer in time or refuses the connection is unreachable', async (t) => {
  const target = await plainTarget(t);
  const silent = await setUp(t, target, OPEN, {
    connect: () => new Socket(),
    timeouts: { ...TIMEOUTS, connect_ms: 30 },
  });
  const late = await silent.connect('example.com:443');
  t.is(late.status, 502);
  const closed = await setUp(t, target, OPEN, { connect: () => netConnect(1, '127.0.0.1') });
  const refused = await closed.connect('example.com:443');
  t.is(refused.status, 502);
  if (refused.socket === undefined) t.is(refused.code, 'upstream_unreachable');
  const nameless = await setUp(t, target, OPEN, { resolve: () => Promise.reject(new Error('ENOTFOUND')) });
  t.is((await nameless.connect('example.com:443')).status, 502);
});

test('limits the open tunnels of a task until one closes', async (t) => {
  const target = await plainTarget(t);
  const proxy = await setUp(t, target, OPEN);
  const sockets = await Promise.all(Array.from({ length: 64 }, () => granted(proxy, 'example.com:443')));
  const refused = await proxy.connect('example.com:443');
  t.is(refused.status, 429);
  sockets[0]?.destroy();
  await until('the tunnel is closed', () => target.connections() === 63);
  const again = await granted(proxy, 'example.com:443');
  again.destroy();
  for (const socket of sockets) socket.destroy();
  await until('nothing is open', () => proxy.connections() === 0 && target.connections() === 0);
});

test('the end of an attempt closes all its tunnels', async (t) => {
  const target = await plainTarget(t);
  const proxy = await setUp(t, target, OPEN);
  const sockets = await Promise.all(Array.from({ length: 5 }, () => granted(proxy, 'example.com:443')));
  for (const socket of sockets) socket.resume();
  proxy.end();
  await until('nothing is open', () => proxy.connections() === 0 && target.connections() === 0);
  await until('the worker knows', () => sockets.every((socket) => socket.destroyed));
  t.pass();
});

test('a worker that resets its connection at any moment leaves no connection open', async (t) => {
  const { target } = await tlsTarget(t);
  const proxy = await setUp(t, target, REGISTRIES);
  const before = netConnect(proxy.port, '127.0.0.1');
  before.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  await once(before, 'connect');
  before.resetAndDestroy();
  for (const bytes of ['', '\x16\x03\x01', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00']) {
    const socket = await granted(proxy, `${HOST}:443`);
    if (bytes) socket.write(Buffer.from(bytes, 'latin1'));
    socket.resetAndDestroy();
  }
  await until('nothing is open', () => proxy.connections() === 0 && target.connections() === 0);
  t.is(target.received(), 0);
});
