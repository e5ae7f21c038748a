import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { ByteBudget } from '../../../coordinator/base/byte-budget.ts';
import { discardBody, hasBody, parseJson, readBody } from '../../../coordinator/base/json-body.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { until } from '../../support/until.ts';

const budget = new ByteBudget({ bytes_per_s: 1e6, burst_bytes: 1e6, time_share: 1 });
const LIMITS = { bytes_max: 100, read_ms: 5_000, bytes_per_s_min: Infinity, budget, key: 'anyone' };
const SHAPE = { depth_max: 3, nodes_max: 20, elements_max: 5, keys_max: 3 };
const readJson = async (incoming: IncomingMessage) => parseJson(await readBody(incoming, LIMITS), SHAPE);

/** A listener that answers with what `read` makes of a request: the value as JSON, or the code of its refusal. */
async function serve(t: ExecutionContext, read: (request: IncomingMessage) => Promise<unknown>) {
  const server = createServer((incoming, response) => {
    void read(incoming).then(
      (value) => response.end(JSON.stringify({ value })),
      (error: unknown) => response.end(JSON.stringify({ code: error instanceof ErrandError ? error.code : 'crash' })),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const post = async (body: string | Buffer, headers: Record<string, string> = {}): Promise<unknown> => {
    const sent = request({ port, method: 'POST', headers }).end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return JSON.parse((await response.toArray()).join(''));
  };
  return { port, post };
}

/** A connection that has sent this much of a request. */
async function dial(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

test('a body is read up to its limit and refused above it, whether or not its length was announced', async (t) => {
  const { post } = await serve(t, (incoming) => readJson(incoming));
  const text = (length: number) => JSON.stringify('x'.repeat(length - 2));
  const chunked = { 'transfer-encoding': 'chunked' };
  t.deepEqual(await post(text(100)), { value: 'x'.repeat(98) });
  t.deepEqual(await post(text(100), chunked), { value: 'x'.repeat(98) });
  t.deepEqual(await post(text(101)), { code: 'too_large' });
  t.deepEqual(await post(text(101), chunked), { code: 'too_large' });
});

test('bodies are read whole over one connection, whether they come with their head, in parts or with the next request', async (t) => {
  const whole: boolean[] = [];
  const { port } = await serve(t, async (incoming) => {
    // As in a server: whoever calls is looked up first.
    await Promise.resolve();
    whole.push(incoming.readableLength === 4);
    return (await readBody(incoming, LIMITS)).toString();
  });
  const head = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n';
  const socket = await dial(port, `${head}wh`);
  t.teardown(() => socket.destroy());
  await until('half of the first body has come', () => whole.length === 1);
  let answers = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answers += text));
  const values = () => [...answers.matchAll(/"value":"(\w+)"/g)].map(([, value]) => value);
  for (const [text, wanted] of [
    ['le', ['whle']],
    [`${head}one1`, ['whle', 'one1']],
    [`${head}two2${head}tri3`, ['whle', 'one1', 'two2', 'tri3']],
    [`${head}last`, ['whle', 'one1', 'two2', 'tri3', 'last']],
  ] as const) {
    socket.write(text);
    await until('it is answered', () => values().length >= wanted.length);
    t.deepEqual(values(), [...wanted]);
  }
  t.deepEqual(whole, [false, true, true, true, true]);
});

test('a body that is not JSON in UTF-8 is invalid, and a compressed one is not supported', async (t) => {
  const { post } = await serve(t, (incoming) => readJson(incoming));
  for (const body of ['', '{', 'nonsense', Buffer.from([0x22, 0xff, 0x22])])
    t.deepEqual(await post(body), { code: 'invalid' });
  t.deepEqual(await post('{}', { 'content-encoding': 'gzip' }), { code: 'unsupported_media_type' });
  t.deepEqual(await post('{}', { 'content-encoding': 'Identity' }), { value: {} });
});

test('a body that does not come in time is to be sent again', async (t) => {
  const { port } = await serve(t, (incoming) => readBody(incoming, { ...LIMITS, read_ms: 20 }));
  const socket = await dial(port, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n12');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  t.true(answer.toString().endsWith('{"code":"unavailable"}'));
  socket.destroy();
});

test('a long body has the time that it takes on a slow line', async (t) => {
  const slow = { ...LIMITS, read_ms: 50, bytes_per_s_min: 20 };
  const { port } = await serve(t, async (incoming) => (await readBody(incoming, slow)).length);
  const socket = await dial(port, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n');
  const timer = setInterval(() => socket.write('1234567890'), 50);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  clearInterval(timer);
  t.true(answer.toString().endsWith('{"value":100}'), answer.toString());
  socket.destroy();
});

test('a body that ends early is invalid', async (t) => {
  const refused = Promise.withResolvers<unknown>();
  const { port } = await serve(t, async (incoming) => {
    await readBody(incoming, LIMITS).catch(refused.resolve);
    return 0;
  });
  const socket = await dial(port, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n12');
  socket.end();
  const error = await refused.promise;
  t.true(error instanceof ErrandError && error.code === 'invalid' && error.message === 'The body ended early.');
});

test('whether a body was announced is seen in the head', async (t) => {
  const { post } = await serve(t, (incoming) => Promise.resolve(hasBody(incoming)));
  t.deepEqual(await post(''), { value: false });
  t.deepEqual(await post('', { 'content-length': '0' }), { value: false });
  t.deepEqual(await post('1'), { value: true });
  t.deepEqual(await post('', { 'transfer-encoding': 'chunked' }), { value: true });
});

test('the rest of a body is discarded up to its end, a number of bytes or a time', async (t) => {
  const complete: boolean[] = [];
  const { port, post } = await serve(t, async (incoming) => {
    await discardBody(incoming, { bytes_max: 1_000, ms: 50 });
    complete.push(incoming.complete);
    return 0;
  });
  await post('x'.repeat(1_000));
  const large = await dial(port, `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n${'x'.repeat(2_000)}`);
  await once(large, 'data');
  const slow = await dial(port, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nx');
  await once(slow, 'data');
  t.deepEqual(complete, [true, false, false]);
  for (const socket of [large, slow]) socket.destroy();
});

test('a sender that has sent more than its share is refused before its body is read, and others are not', async (t) => {
  const clock = { ms: 0 };
  const share = new ByteBudget({ bytes_per_s: 10, burst_bytes: 60, time_share: 0.5 }, () => clock.ms);
  const read = (incoming: IncomingMessage) =>
    readBody(incoming, { ...LIMITS, budget: share, key: String(incoming.headers['x-key']) });
  const { post } = await serve(t, async (incoming) => (await read(incoming)).length);
  const body = 'x'.repeat(80);
  t.deepEqual(await post(body, { 'x-key': 'a' }), { value: 80 });
  t.deepEqual(await post('x', { 'x-key': 'a' }), { code: 'rate_limited' });
  t.deepEqual(await post(body, { 'x-key': 'b' }), { value: 80 });
  clock.ms += 2_100;
  t.deepEqual(await post('x', { 'x-key': 'a' }), { value: 1 });
});
