import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

/*
 * The baseline of an idle server: Node's HTTP server and ws, nothing else. It replies `caught_up` to each client's
 * first message.
 */

// Node keeps its compile cache only where the process exits by itself.
process.once('SIGTERM', () => process.exit());
const server = createServer((_, response) => response.end());
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => socket.once('message', () => socket.send('{"type":"caught_up"}')));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) process.stdout.write(`http://127.0.0.1:${address.port}\n`);
});
