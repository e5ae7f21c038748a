import { randomBytes, randomInt } from 'node:crypto';
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import test from 'ava';
import { HELLO_BYTES_MAX, readClientHello } from '../../../../coordinator/worker-api/egress/client-hello.ts';
import { ErrandError } from '../../../../protocol/problem.ts';
import { extension, hostName, message, record, serverName, vector16 } from '../../../support/client-hello.ts';

const HOST = 'registry.npmjs.org';

/** The ClientHello of a real client. */
function realHello(servername: string): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, callback) {
        resolve(chunk);
        callback();
      },
    });
    connect({ socket: wire, servername, rejectUnauthorized: false }).on('error', () => {});
  });
}

test('reads the host name from the handshake of a real client', async (t) => {
  t.deepEqual(readClientHello(await realHello(HOST)), { server_name: HOST, encrypted: false });
  t.deepEqual(readClientHello(await realHello('')), { server_name: undefined, encrypted: false });
});

test('waits for the rest of a partial handshake, in one record or many', async (t) => {
  const hello = await realHello(HOST);
  for (let end = 0; end < hello.length; end++) t.is(readClientHello(hello.subarray(0, end)), undefined);
  const payload = hello.subarray(5);
  const pieces: Buffer[] = [];
  for (let at = 0; at < payload.length; at += 50) pieces.push(record(payload.subarray(at, at + 50)));
  t.is(readClientHello(Buffer.concat(pieces))?.server_name, HOST);
  t.is(readClientHello(Buffer.concat(pieces.slice(0, -1))), undefined);
});

test('a name in capitals is lower-cased', (t) => {
  t.is(readClientHello(record(message(serverName('Registry.NPMjs.org'))))?.server_name, HOST);
});

test('reports a handshake that hides its host name', (t) => {
  for (const type of [0xfe0d, 0xffce])
    t.true(readClientHello(record(message(serverName(HOST), extension(type, Buffer.alloc(8)))))?.encrypted);
});

const AMBIGUOUS: Record<string, Buffer> = {
  'two names': record(message(serverName(HOST, 'evil.example'))),
  'the extension twice': record(message(serverName(HOST), serverName('evil.example'))),
  'an empty list of names': record(message(extension(0, vector16(Buffer.alloc(0))))),
  'bytes behind the names': record(message(extension(0, Buffer.concat([vector16(hostName(HOST)), Buffer.of(1)])))),
  'a name of another kind': record(
    message(extension(0, vector16(Buffer.concat([Buffer.of(1), vector16(Buffer.from(HOST))])))),
  ),
  'another message behind it': record(Buffer.concat([message(serverName(HOST)), message(serverName('evil.example'))])),
  'a record without content': Buffer.concat([record(Buffer.alloc(0)), record(message(serverName(HOST)))]),
  SSH: Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'),
  'a hello of SSL 2': Buffer.from([0x80, 0x2e, 1, 3, 1]),
  'a ServerHello': record(Buffer.concat([Buffer.of(2), message(serverName(HOST)).subarray(1)])),
};

for (const [what, bytes] of Object.entries(AMBIGUOUS))
  test(`refuses ${what}`, (t) => {
    t.throws(() => readClientHello(bytes), { instanceOf: ErrandError, code: 'invalid' });
  });

test('a handshake that is too long is refused', (t) => {
  const endless = record(Buffer.concat([Buffer.from([1, 0xff, 0xff, 0xff]), Buffer.alloc(16_380)]));
  t.is(endless.length, HELLO_BYTES_MAX);
  t.is(readClientHello(endless.subarray(0, -1)), undefined);
  t.throws(() => readClientHello(endless), { code: 'invalid' });
});

test('arbitrary bytes are read, need more bytes, or are refused', async (t) => {
  const hello = await realHello(HOST);
  let refused = 0;
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(hello);
    for (let flips = randomInt(1, 6); flips > 0; flips--) bytes[randomInt(bytes.length)] = randomInt(256);
    const cut =
      i % 3 === 0 ? bytes.subarray(0, randomInt(bytes.length)) : i % 7 === 0 ? randomBytes(randomInt(2000)) : bytes;
    try {
      readClientHello(cut);
    } catch (error) {
      if (!(error instanceof ErrandError)) throw error;
      refused++;
    }
  }
  t.true(refused > 100);
});
