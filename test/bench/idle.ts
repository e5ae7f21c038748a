import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { WebSocket } from 'ws';
import { newId } from '../../protocol/ids.ts';
import { BENCH_ACCOUNT, logIn, signUp, startCoordinatorProcess, startServerProcess } from './coordinator-process.ts';
import type { ServerProcess } from './coordinator-process.ts';
import { megabytes, median, ms, times, type Row } from './measure.ts';
import { temporaryFolder } from './temporary-folder.ts';

const STARTS = 5;
const SOCKETS = 2_000;
/** Sockets that are opened before the measurement, since a server allocates some memory in advance. */
const SOCKETS_AHEAD = 500;
/** Sockets that are opened at once, all of one user. */
const BATCH = 25;
/** A server that has just started is not idle yet: it starts its warm workers, then collects its garbage once. */
const SETTLED_MS = 6_000;
const READY_GOAL_MS = 350;
const IDLE_GOAL_BYTES = 90 * 1024 * 1024;
const CAUGHT_UP_MS = 30_000;

/** The baseline: only node:http and ws. */
const startFloor = () =>
  startServerProcess([process.execPath, fileURLToPath(new URL('./floor-server.ts', import.meta.url))]);

/** (d) The memory of an idle coordinator and of an idle socket; (e) the time of a start. */
export async function benchIdle(): Promise<Row[]> {
  await using folder = await temporaryFolder();
  const errand: Idle[] = [];
  const floor: Idle[] = [];
  for (let round = 0; round < STARTS; round++) {
    errand.push(await idle(() => startCoordinatorProcess(folder.path)));
    floor.push(await idle(startFloor));
  }
  const [ready, bare_ready] = [
    median(errand.map(({ ready_ms }) => ready_ms)),
    median(floor.map(({ ready_ms }) => ready_ms)),
  ];
  const [bytes, bare_bytes] = [median(errand.map((at) => at.bytes)), median(floor.map((at) => at.bytes))];
  const [each, bare_each] = await socketBytes(folder.path);
  return [
    {
      what: `idle coordinator, ${SETTLED_MS / 1000} s after its start`,
      figure: megabytes(bytes),
      floor: megabytes(bare_bytes),
      ratio: times(bytes / bare_bytes),
      goal: `< ${megabytes(IDLE_GOAL_BYTES)}`,
      met: bytes < IDLE_GOAL_BYTES,
    },
    {
      what: `idle socket, of ${SOCKETS.toLocaleString('en')}`,
      figure: `${(each / 1024).toFixed(1)} kB`,
      floor: `${(bare_each / 1024).toFixed(1)} kB`,
      ratio: times(each / bare_each),
      goal: '',
      met: null,
    },
    {
      what: 'process start to ready',
      figure: ms(ready),
      floor: ms(bare_ready),
      ratio: times(ready / bare_ready),
      goal: `< ${ms(READY_GOAL_MS)}`,
      met: ready < READY_GOAL_MS,
    },
  ];
}

type Idle = { ready_ms: number; bytes: number };

async function idle(start: () => Promise<ServerProcess>): Promise<Idle> {
  await using server = await start();
  await delay(SETTLED_MS);
  return { ready_ms: server.ready_ms, bytes: server.memory_bytes() };
}

/** The memory per idle socket, in bytes: of the coordinator and of the baseline. */
async function socketBytes(data_dir: string): Promise<[number, number]> {
  const emails = await addUsers(data_dir, (SOCKETS_AHEAD + SOCKETS) / BATCH);
  await using server = await startCoordinatorProcess(data_dir);
  await using floor = await startFloor();
  const errand = await bytesASocket(server, async (batch) => {
    const { user, access_token } = await logIn(server.url, emails[batch] ?? '');
    return open(`${server.url}/ws/${user.id}`, ['errand.v1', `bearer.${access_token}`]);
  });
  return [errand, await bytesASocket(floor, () => open(floor.url, []))];
}

async function bytesASocket(
  server: ServerProcess,
  openBatch: (batch: number) => Promise<WebSocket[]>,
): Promise<number> {
  const sockets: WebSocket[] = [];
  let ahead_bytes = 0;
  try {
    while (sockets.length < SOCKETS_AHEAD + SOCKETS) {
      if (sockets.length === SOCKETS_AHEAD) ahead_bytes = server.memory_bytes();
      sockets.push(...(await openBatch(sockets.length / BATCH)));
    }
    return (server.memory_bytes() - ahead_bytes) / SOCKETS;
  } finally {
    for (const socket of sockets) socket.terminate();
  }
}

/** Adds users with the first user's password; returns their email addresses. Sign-ups would be rate-limited. */
async function addUsers(data_dir: string, count: number): Promise<string[]> {
  {
    await using server = await startCoordinatorProcess(data_dir);
    await signUp(server.url, data_dir);
  }
  const db = new Database(join(data_dir, 'errand.db'));
  const copy = db.prepare(
    `INSERT INTO users (id, email, password_hash, role, created_at)
     SELECT ?, ?, password_hash, 'member', created_at FROM users WHERE email = '${BENCH_ACCOUNT.email}'`,
  );
  const emails = Array.from({ length: count }, (_, n) => `bench-${n}@example.org`);
  for (const email of emails) copy.run(newId(), email);
  db.close();
  return emails;
}

/** Opens a batch of sockets and waits until they have caught up. */
function open(url: string, protocols: string[]): Promise<WebSocket[]> {
  return Promise.all(Array.from({ length: BATCH }, () => caughtUp(url.replace('http', 'ws'), protocols)));
}

function caughtUp(url: string, protocols: string[]): Promise<WebSocket> {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false, handshakeTimeout: CAUGHT_UP_MS });
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('A socket did not catch up.')), CAUGHT_UP_MS);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('A socket was closed.')));
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', after: 0 })));
    socket.on('message', (data: Buffer) => {
      if (!data.includes('"caught_up"')) return;
      clearTimeout(late);
      resolve(socket);
    });
  });
}
