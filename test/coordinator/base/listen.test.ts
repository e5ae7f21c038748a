import { once } from 'node:events';
import { request, Server, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { listen } from '../../../coordinator/base/listen.ts';
import { until } from '../../support/until.ts';

const PER_ADDRESS = 256;

/** Ways to hold a connection without ever being somebody. */
const HOLDS: Record<string, string> = {
  'that sends nothing': '',
  'with half a head': 'GET / HTTP/1.1\r\nHost: localhost\r\n',
  'with half a body': 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{',
  'that asked for a socket':
    'GET /ws/x HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
};

async function serve(t: ExecutionContext, behind_proxy = false) {
  const admit: (() => void)[] = [];
  const handlers = {
    request: (asked: { method?: string | undefined }, response: { end: (text: string) => void }) => {
      if (asked.method === 'GET') response.end('{}');
    },
    upgrade: (_: IncomingMessage, raw: Duplex, __: Buffer, admitted = () => {}) => {
      raw.on('error', () => undefined).on('end', () => raw.destroy());
      raw.resume();
      admit.push(admitted);
    },
  };
  const { port, close } = await listen(handlers, { port: 0, host: '0.0.0.0', behind_proxy });
  const open: Socket[] = [];
  t.teardown(async () => {
    for (const socket of open) socket.destroy();
    await close();
  });
  /** Opens a connection from an address of this machine. */
  const hold = async (text: string, localAddress = '127.0.0.1'): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined).resume();
    open.push(socket);
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  };
  const ask = async (localAddress: string): Promise<number> => {
    const [response] = await once(request({ port, host: '127.0.0.1', localAddress, agent: false }).end(), 'response');
    response.resume();
    return response.statusCode;
  };
  return { admit, hold, ask };
}

for (const [what, text] of Object.entries(HOLDS))
  test(`one more connection ${what} than an address may have closes its oldest, and those of no other address`, async (t) => {
    const { hold, ask } = await serve(t);
    const other = await hold(text, '127.0.0.2');
    const held: Socket[] = [];
    for (let n = 0; n < PER_ADDRESS + 30; n++) held.push(await hold(text));
    await until('the oldest are closed', () => held.filter((socket) => socket.destroyed).length === 30);
    t.true(held.slice(0, 30).every((socket) => socket.destroyed));
    t.false(other.destroyed);
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) t.is(await ask(address), 200);
  });

test('sockets of people who are logged in do not count', async (t) => {
  const { admit, hold } = await serve(t);
  const sockets: Socket[] = [];
  for (let n = 0; n < PER_ADDRESS + 30; n++) {
    sockets.push(await hold(HOLDS['that asked for a socket'] ?? ''));
    await until('it is upgraded', () => admit.length > 0);
    admit.shift()?.();
  }
  t.is(sockets.filter((socket) => socket.destroyed).length, 0);
});

test('behind a proxy all connections may come from one address', async (t) => {
  const { hold, ask } = await serve(t, true);
  const held: Socket[] = [];
  for (let n = 0; n < PER_ADDRESS * 2; n++) held.push(await hold(''));
  t.is(await ask('127.0.0.1'), 200);
  t.is(held.filter((socket) => socket.destroyed).length, 0);
});

test('a proxy is told that idle connections stay open for longer than it keeps them', async (t) => {
  const kept = { direct: 5, proxy: 150 };
  for (const [from, seconds] of Object.entries(kept)) {
    const { hold } = await serve(t, from === 'proxy');
    const socket = await hold('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [head] = await once(socket, 'data');
    t.regex(String(head), new RegExp(`^Keep-Alive: timeout=${seconds}\r$`, 'm'), from);
  }
});

test('the listener bounds heads alone: an upload may take longer than any time that fits all requests', async (t) => {
  const timeouts: unknown[] = [];
  const handlers = {
    request: (asked: IncomingMessage, response: { end: (text: string) => void }) => {
      const server: unknown = Reflect.get(asked.socket, 'server');
      if (server instanceof Server) timeouts.push(server.requestTimeout, server.headersTimeout > 0);
      response.end('{}');
    },
    upgrade: () => undefined,
  };
  const { port, close } = await listen(handlers, { port: 0, host: '127.0.0.1', behind_proxy: false });
  t.teardown(close);
  const [response] = await once(request({ port, host: '127.0.0.1', agent: false }).end(), 'response');
  response.resume();
  t.deepEqual(timeouts, [0, true]);
});
