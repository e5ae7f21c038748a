import { once } from 'node:events';
import { fdatasyncSync, openSync, writeSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { portOf } from './port-of.ts';

/*
 * A program: the floor of any durable relay. It appends each line that it receives to a file, in groups with one
 * fdatasync each, then acknowledges it with an empty line and sends it to the watchers: the connections whose first
 * line is `watch`. The first argument is a folder.
 */

const [folder = ''] = process.argv.slice(2);
const file = openSync(join(folder, 'raw.log'), 'a');
const watchers = new Set<Socket>();
let group: { line: string; socket: Socket }[] = [];

function flush(): void {
  const works = group;
  group = [];
  const bytes = Buffer.from(works.map(({ line }) => `${line}\n`).join(''));
  writeSync(file, bytes);
  fdatasyncSync(file);
  for (const watcher of watchers) watcher.write(bytes);
  for (const { socket } of works) socket.write('\n');
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('close', () => watchers.delete(socket));
  createInterface({ input: socket }).on('line', (line) => {
    if (line === 'watch') {
      watchers.add(socket);
      socket.write('\n');
      return;
    }
    if (group.length === 0) setImmediate(flush);
    group.push({ line, socket });
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send?.({ port: portOf(server) });
