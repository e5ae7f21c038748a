import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { callWorkerApi } from '../../support/worker-api-call.ts';
import { setListenerScene as start, rawSocket as raw, readHead as head } from '../../support/listener-scene.ts';

test('connections stay open between calls', async (t) => {
  const { where, path, token, beat } = await start(t);
  const answer = await callWorkerApi(where, { path, token, body: beat });
  t.is(answer.headers['connection'], 'keep-alive');
  t.regex(String(answer.headers['keep-alive']), /timeout=120/);
});

for (const kind of ['socket', 'TCP'] as const)
  test(`a ${kind} listener that closes answers its callbacks in progress, and does not wait for those of others`, async (t) => {
    const { folder, scene, path, token, beat } = await start(t);
    const socketPath = join(folder, 'one', 'coordinator.sock');
    const one = await scene.internal.listenOnSocket(socketPath, 'worker-one');
    const tcp = await scene.internal.listenOnTcp('127.0.0.1', 0);
    const places = { socket: { socketPath }, TCP: { port: tcp.port } };
    const [closing, staying] = kind === 'socket' ? [one, tcp] : [tcp, one];
    const body = JSON.stringify(beat);
    const begin = async (where: { socketPath: string } | { port: number }) => {
      const socket = await raw(where);
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
      );
      // The callback is in progress only once its first half has arrived. A second call that was answered shows that.
      await callWorkerApi(where, { path, token, body: beat });
      return socket;
    };
    const socket = await begin(places[kind]);
    const other = await begin(places[kind === 'socket' ? 'TCP' : 'socket']);
    const closed = closing.close();
    socket.write(body.slice(5));
    t.regex(await head(socket), /^HTTP\/1\.1 200 /);
    await closed;
    other.write(body.slice(5));
    t.regex(await head(other), /^HTTP\/1\.1 200 /);
    for (const end of [socket, other]) end.destroy();
    await staying.close();
  });

test('a listener that closes waits for a bounded time for a callback that does not end', async (t) => {
  const { scene, path, token, beat } = await start(t);
  const listener = await scene.internal.listenOnTcp('127.0.0.1', 0);
  const socket = await raw({ port: listener.port });
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-length: 99\r\n\r\n{`,
  );
  await callWorkerApi({ port: listener.port }, { path, token, body: beat });
  const ended = once(socket, 'close');
  socket.resume();
  await listener.close();
  await ended;
  t.pass();
});
