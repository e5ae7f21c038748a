import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { WebSocket } from 'ws';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { BENCH_ACCOUNT, logIn, signUp, startCoordinatorProcess } from './coordinator-process.ts';
import { median, ms, repeat, type Row } from './measure.ts';

const STARTS = 5;
const SOCKETS = 2_000;
const MB = 1024 * 1024;

/** (d) What an idle coordinator and an idle socket cost in memory; (e) how long a start takes. */
export async function benchIdle(): Promise<Row[]> {
  const data_dir = mkdtempSync(join(tmpdir(), 'errand-bench-'));
  try {
    const starts = await repeat(STARTS, async () => {
      const server = await startCoordinatorProcess(data_dir);
      await server.stop();
      return server.ready_ms;
    });
    const ready = median(starts);
    const { idle, each } = await memory(data_dir);
    return [
      { what: 'process start to ready', figure: ms(ready), floor: '', ratio: '', goal: '< 1 s', met: ready < 1000 },
      {
        what: 'idle coordinator',
        figure: `${(idle / MB).toFixed(0)} MB`,
        floor: '',
        ratio: '',
        goal: '< 120 MB',
        met: idle < 120 * MB,
      },
      {
        what: `idle socket, of ${SOCKETS}`,
        figure: `${(each / 1024).toFixed(1)} kB`,
        floor: '',
        ratio: '',
        goal: '',
        met: null,
      },
    ];
  } finally {
    rmSync(data_dir, { recursive: true, force: true });
  }
}

async function memory(data_dir: string): Promise<{ idle: number; each: number }> {
  const users = Math.ceil(SOCKETS / LIMITS.sockets_per_user_max);
  const first = await startCoordinatorProcess(data_dir);
  await signUp(first.url);
  await first.stop();
  const emails = addUsers(join(data_dir, 'errand.db'), users);
  const server = await startCoordinatorProcess(data_dir);
  const sockets: WebSocket[] = [];
  try {
    const idle = server.memory_bytes();
    for (const email of emails) {
      const session = await logIn(server.url, email);
      const count = Math.min(LIMITS.sockets_per_user_max, SOCKETS - sockets.length);
      const opened = Array.from({ length: count }, () => subscribed(server.url, session.user.id, session.access_token));
      sockets.push(...(await Promise.all(opened)));
    }
    return { idle, each: (server.memory_bytes() - idle) / sockets.length };
  } finally {
    for (const socket of sockets) socket.terminate();
    await server.stop();
  }
}

/** Users with the first one's password; gives their e-mail addresses. Signing up each would be held up by the limit for an address. */
function addUsers(path: string, count: number): string[] {
  const db = new Database(path);
  const copy = db.prepare(
    `INSERT INTO users (id, email, password_hash, role, created_at)
     SELECT ?, ?, password_hash, 'member', created_at FROM users WHERE email = '${BENCH_ACCOUNT.email}'`,
  );
  const emails = Array.from({ length: count }, (_, n) => `bench-${n}@example.org`);
  for (const email of emails) copy.run(newId(), email);
  db.close();
  return emails;
}

/** A socket that has caught up and now waits. */
function subscribed(url: string, user_id: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/${user_id}`, ['errand.v1', `bearer.${token}`]);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', after: 0 })));
    socket.on('message', (data: Buffer) => {
      if (data.includes('"caught_up"')) resolve(socket);
    });
  });
}
