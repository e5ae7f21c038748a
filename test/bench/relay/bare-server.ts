import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { WebSocketServer, type WebSocket } from 'ws';
import { newId } from '../../../protocol/ids.ts';
import { portOf } from './port-of.ts';

/*
 * A program: the floor of a relay over HTTP, and nothing of the product. It has `node:http`, `ws` and `better-sqlite3`,
 * a group commit, and one table with the indexes that such a log has: one to page by task, one to page by user, and one
 * that keeps a repeated POST from storing an event twice. There is no log-in, no check and no state of tasks. The
 * arguments are a folder and the number of workers. Deltas go out at once.
 */

const [folder = '', workers] = process.argv.slice(2);
const db = new Database(join(folder, 'bare.db'));
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec(`
  CREATE TABLE tasks (id TEXT PRIMARY KEY) STRICT;
  CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    seq INTEGER,
    type TEXT NOT NULL,
    at TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_task ON events (task_id, id);
  CREATE INDEX events_by_user ON events (user_id, id);
  CREATE UNIQUE INDEX events_by_seq ON events (task_id, attempt, seq) WHERE seq IS NOT NULL;
`);
const user_id = newId();
/** One for each worker, as in the product: the rows of one task alone would touch fewer pages of the indexes. */
const tasks = Array.from({ length: Number(workers) }, newId);
for (const id of tasks) db.prepare('INSERT INTO tasks (id) VALUES (?)').run(id);
const insert = db.prepare(
  'INSERT INTO events (task_id, user_id, attempt, seq, type, at, body) VALUES (?, ?, 1, ?, ?, ?, ?)',
);

type Posted = { events: { seq: number; type: string; at: string; body: unknown }[]; deltas?: unknown[] };
type Waiting = { task_id: string; posted: Posted; response: ServerResponse };

const watchers = new Set<WebSocket>();
let group: Waiting[] = [];

function send(frame: string): void {
  const bytes = Buffer.from(frame);
  for (const socket of watchers) socket.send(bytes, { binary: false });
}

const store = db.transaction((works: Waiting[]) =>
  works.flatMap(({ task_id, posted }) =>
    posted.events.map(({ seq, type, at, body }) => {
      const json = JSON.stringify(body);
      const id = insert.run(task_id, user_id, seq, type, at, json).lastInsertRowid;
      return `{"id":${id},"task_id":"${task_id}","attempt":1,"seq":${seq},"type":"${type}","at":"${at}","body":${json}}`;
    }),
  ),
);

function flush(): void {
  const works = group;
  group = [];
  send(`{"type":"events","events":[${store.immediate(works).join(',')}]}`);
  for (const { response } of works) answer(response);
}

function answer(response: ServerResponse): void {
  const body = '{"acked_seq":1}';
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}

function receive(task_id: string, text: string, response: ServerResponse): void {
  const posted: Posted = JSON.parse(text);
  if (posted.deltas) {
    send(JSON.stringify({ type: 'delta', task_id, attempt: 1, deltas: posted.deltas }));
    return answer(response);
  }
  if (group.length === 0) setImmediate(flush);
  group.push({ task_id, posted, response });
}

const socket = join(folder, 'bare.sock');
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => receive(request.url?.slice(1) ?? '', Buffer.concat(chunks).toString(), response));
});
server.listen(socket);
const live = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
live.on('connection', (watcher) => {
  watchers.add(watcher);
  watcher.on('close', () => watchers.delete(watcher));
  watcher.send('{"type":"hello","cursor":0}');
  watcher.on('message', () => watcher.send('{"type":"caught_up"}'));
});
await Promise.all([once(server, 'listening'), once(live, 'listening')]);
process.send?.({ socket, tasks, url: `ws://127.0.0.1:${portOf(live)}` });
