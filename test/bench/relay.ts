import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { WebSocketServer, type WebSocket } from 'ws';
import { openDatabase } from '../../coordinator/sqlite/open-database.ts';
import { insertEvent } from '../../coordinator/sqlite/events.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { startWorkerApiScene } from '../support/worker-api-scene.ts';
import { addTask, addUser, startAttempt } from '../support/fixtures.ts';
import { median, ms, times, type Row } from './measure.ts';
import type { Load, Measure } from './relay-load.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { SILENT } from '../support/silent.ts';

type Shape = Omit<Load, 'target'>;

const ROUNDS = 5;
/** The minimum share of the baseline's events per second, and the maximum p99 latency at 1,000 events/s. */
const RATE_GOAL = 0.5;
const P99_GOAL_MS = 10;
/** The timeout of one load. */
const LOAD_MS = 60_000;

/**
 * The loads: bulk posts of several workers, two steady rates (one POST per worker every 40 ms), and one worker's burst.
 */
const SHAPES = {
  '8 workers, 100 a POST': { workers: 8, posts: 40, events: 100, posts_per_s: null },
  '100 events/s': { workers: 4, posts: 100, events: 1, posts_per_s: 100 },
  '1,000 events/s': { workers: 10, posts: 100, events: 4, posts_per_s: 250 },
  'burst of 10,000': { workers: 1, posts: 20, events: 500, posts_per_s: null },
} satisfies Record<string, Shape>;

/**
 * (a) Events from a worker's POST, through the disk, to a client's socket. Each round measures Errand, then the
 * baseline.
 */
export async function benchRelay(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, shape] of Object.entries<Shape>(SHAPES)) {
    const errand: Measure[] = [];
    const floor: Measure[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      errand.push(await measureErrand(shape));
      floor.push(await measureFloor(shape));
    }
    const both = (pick: (measure: Measure) => number) => [median(errand.map(pick)), median(floor.map(pick))] as const;
    if (shape.posts_per_s === null) rows.push(rateRow(name, ...both((measure) => measure.events_per_s)));
    else rows.push(latencyRow(`${name}, p50`, null, ...both((measure) => measure.p50_ms)));
    const p99_goal_ms = name === '1,000 events/s' ? P99_GOAL_MS : null;
    rows.push(latencyRow(`${name}, p99`, p99_goal_ms, ...both((measure) => measure.p99_ms)));
  }
  return rows;
}

function rateRow(name: string, errand: number, floor: number): Row {
  const per_s = (rate: number) => `${Math.round(rate).toLocaleString('en')}/s`;
  return {
    what: `events, ${name}`,
    figure: per_s(errand),
    floor: per_s(floor),
    ratio: times(errand / floor),
    goal: `≥ ${times(RATE_GOAL)}`,
    met: errand / floor >= RATE_GOAL,
  };
}

function latencyRow(name: string, goal_ms: number | null, errand: number, floor: number): Row {
  return {
    what: `POST to socket, ${name}`,
    figure: ms(errand),
    floor: ms(floor),
    ratio: times(errand / floor),
    goal: goal_ms === null ? '' : `< ${goal_ms} ms`,
    met: goal_ms === null ? null : errand < goal_ms,
  };
}

/** Measures Errand: from a worker's POST, through the disk, to a client's socket. */
async function measureErrand(shape: Shape): Promise<Measure> {
  await using folder = await temporaryFolder();
  const scene = await startWorkerApiScene({ folder: folder.path });
  const user_id = addUser(scene.log);
  const tokens = await Promise.all(
    Array.from({ length: shape.workers }, async () => {
      const { id } = addTask(scene.log, user_id);
      return { task_id: id, token: await scene.tokens.issue(id, startAttempt(scene.log, id)) };
    }),
  );
  try {
    return await load({
      ...shape,
      target: { kind: 'errand', port: scene.callback_port, tokens, url: scene.socket_url, user_id },
    });
  } finally {
    await scene.close();
  }
}

/**
 * Measures the baseline: the same rows through better-sqlite3 and ws, with group commit, without authentication or
 * checks.
 */
async function measureFloor(shape: Shape): Promise<Measure> {
  await using folder = await temporaryFolder();
  const db = openDatabase(join(folder.path, 'floor.db'));
  const log = new EventLog({ db, logger: SILENT });
  const user_id = addUser(log);
  const task_id = addTask(log, user_id).id;
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  let waiting: { socket: WebSocket; text: string }[] = [];
  const insert = db.transaction((posts: typeof waiting) => {
    const rows: string[] = [];
    for (const { text } of posts)
      for (const { at, type, body } of JSON.parse(text).events) {
        const json = JSON.stringify(body);
        const id = insertEvent(db, { task_id, user_id, attempt: 1, seq: null, type, at, body: json });
        rows.push(
          `{"id":${id},"task_id":"${task_id}","attempt":1,"seq":null,"type":"${type}","at":"${at}","body":${json}}`,
        );
      }
    return rows;
  });
  const flush = () => {
    const posts = waiting;
    waiting = [];
    const frame = Buffer.from(`{"type":"events","events":[${insert(posts).join(',')}]}`);
    posts[0]?.socket.send(frame, { binary: false });
    for (const { socket } of posts) socket.send('');
  };
  server.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ socket, text: data.toString() });
    }),
  );
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  try {
    return await load({ ...shape, target: { kind: 'floor', url: `ws://127.0.0.1:${address.port}` } });
  } finally {
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
    db.close();
  }
}

/** Runs a load in a process of its own. Rejects on a timeout. */
async function load(what: Load): Promise<Measure> {
  const child: ChildProcess = fork(new URL('./relay-load.ts', import.meta.url), { timeout: LOAD_MS });
  try {
    child.send(what);
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('The load process ended without a result.')));
    const [measure] = await Promise.race([once(child, 'message'), ended]);
    ended.catch(() => {});
    return measure;
  } finally {
    child.kill();
  }
}
