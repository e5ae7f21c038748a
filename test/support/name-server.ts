import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';

/** What is known of names: their IPv4 addresses. `silent`: their questions are never answered. */
type Names = { known?: Record<string, string>; silent?: (name: string) => boolean };

/** A name server on loopback, until the test ends. It knows no names but these. */
export async function nameServer(t: ExecutionContext, { known = {}, silent = () => false }: Names) {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (question, from) => {
    const { name, end, type } = readQuestion(question);
    asked.push(name);
    if (silent(name)) return;
    const address = known[name];
    const found = address !== undefined && type === 1;
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(address === undefined ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(found ? 1 : 0, 6);
    header.writeUInt16BE(0, 10);
    // A pointer to the name of the question, type A, class IN, a minute to live.
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...(address ?? '').split('.').map(Number)]);
    socket.send(
      Buffer.concat([header, question.subarray(12, end), ...(found ? [answer] : [])]),
      from.port,
      from.address,
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, asked };
}

function readQuestion(message: Buffer): { name: string; end: number; type: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 5, type: message.readUInt16BE(at + 1) };
}
