import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { bodyChunks, type BodyPace } from '../../../coordinator/base/body-chunks.ts';
import { discardBody } from '../../../coordinator/base/json-body.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { until } from '../../support/until.ts';

const PATIENT: BodyPace = { idle_ms: 60_000, total_ms: 60_000 };

/** A listener that takes the chunks of a body, and keeps how it ended: its bytes, or the code of the refusal. */
async function serve(t: ExecutionContext, pace: BodyPace, onChunk: (bytes: number) => void = () => undefined) {
  const ends: unknown[] = [];
  const server = createServer((incoming, response) => {
    const take = async () => {
      let bytes = 0;
      for await (const chunk of bodyChunks(incoming, pace)) onChunk((bytes += chunk.length));
      return bytes;
    };
    void take()
      .catch(async (error: unknown) => {
        await discardBody(incoming, { bytes_max: 1e8, ms: pace.total_ms });
        return error instanceof ErrandError ? error.code : String(error);
      })
      .then((end) => {
        ends.push(end);
        response.end(String(end));
      });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const dial = async (length: number): Promise<Socket> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    t.teardown(() => socket.destroy());
    await once(socket, 'connect');
    socket.write(`PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`);
    return socket;
  };
  return { ends, dial };
}

test('a body may take longer than it may pause', async (t) => {
  let bytes = 0;
  const { ends, dial } = await serve(t, { idle_ms: 1_000, total_ms: 60_000 }, (now) => (bytes = now));
  const socket = await dial(15);
  const started = performance.now();
  for (let sent = 1; sent <= 15; sent++) {
    socket.write('x');
    await until('it came', () => bytes === sent && performance.now() - started > sent * 80);
  }
  await until('it has ended', () => ends.length > 0);
  t.deepEqual(ends, [15]);
});

test('a body that pauses for too long is to be sent again; one that takes too long in all is refused', async (t) => {
  const silent = await serve(t, { idle_ms: 50, total_ms: 2_000 });
  (await silent.dial(5)).write('x');
  const slow = await serve(t, { idle_ms: 2_000, total_ms: 200 });
  const socket = await slow.dial(1_000_000);
  await until('both have ended', () => {
    socket.write('x');
    return silent.ends.length > 0 && slow.ends.length > 0;
  });
  t.deepEqual([silent.ends, slow.ends], [['unavailable'], ['invalid']]);
});

test('a body that ends early is invalid', async (t) => {
  let bytes = 0;
  const { ends, dial } = await serve(t, PATIENT, (now) => (bytes = now));
  const socket = await dial(5);
  socket.write('x');
  await until('some of it came', () => bytes > 0);
  socket.destroy();
  await until('it has ended', () => ends.length > 0);
  t.deepEqual(ends, ['invalid']);
});

test('a large body arrives whole, and one that is refused midway can be read to its end', async (t) => {
  const bytes = 8_000_000;
  for (const [fault, end] of [
    [undefined, bytes],
    ['enough', 'Error: enough'],
  ] as const) {
    const { ends, dial } = await serve(t, PATIENT, (now) => {
      if (fault !== undefined && now > 100_000) throw new Error(fault);
    });
    (await dial(bytes)).write(Buffer.alloc(bytes));
    await until('it has ended', () => ends.length > 0);
    t.deepEqual(ends, [end]);
  }
});
