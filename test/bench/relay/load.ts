import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';
import { WebSocket } from 'ws';

/*
 * A program: the load of the relay's benchmark. Workers post events or deltas, and a client watches. It measures the
 * latency of each from the POST to the client.
 */

/** Where the load goes. Over HTTP each worker has a socket and a path of its own. */
export type Target =
  | {
      kind: 'http';
      workers: { socket: string; path: string; headers: Record<string, string> }[];
      watch: { url: string; protocols: string[]; task_id: string | null };
    }
  | { kind: 'tcp'; port: number };

/**
 * Each of `workers` posts `posts` times `events` events, or one delta if that is 0. `posts_per_s`: the total rate;
 * null: as fast as possible. `first_seq`: of each worker's first event.
 */
export type Load = {
  target: Target;
  workers: number;
  posts: number;
  events: number;
  posts_per_s: number | null;
  first_seq: number;
};

/** Latencies from the POST to the client, and the total throughput. */
export type Measure = { per_s: number; p50_ms: number; p99_ms: number };

type Poster = { post: (body: string) => Promise<void>; close: () => void };

/** The time limit for all events of a load. */
const ALL_MS = 60_000;

const filler = 'x'.repeat(380);

async function run({ target, workers, posts, events, posts_per_s, first_seq }: Load): Promise<Measure> {
  const latencies: number[] = [];
  const total = workers * posts * Math.max(1, events);
  const all = Promise.withResolvers<void>();
  const onText = (text: string) => {
    const now = performance.now();
    for (const [, sent] of text.matchAll(/"text":"at (\d+\.\d+) /g)) latencies.push(now - Number(sent));
    if (latencies.length >= total) all.resolve();
  };
  const onClose = () => all.reject(new Error(`The client was closed after ${latencies.length} of ${total} events.`));
  all.promise.catch(() => undefined);
  const close = await watch(target, onText, onClose);
  const timeout = setTimeout(
    () => all.reject(new Error(`The client got ${latencies.length} of ${total} events in ${ALL_MS / 1000} s.`)),
    ALL_MS,
  );
  const posters = await Promise.all(Array.from({ length: workers }, (_, worker) => openPoster(target, worker)));
  const began = performance.now();
  await Promise.all(
    posters.map(async ({ post }, worker) => {
      for (let i = 0; i < posts; i++) {
        if (posts_per_s !== null) {
          const due = began + ((i * workers + worker) * 1000) / posts_per_s;
          const wait_ms = due - performance.now();
          if (wait_ms > 0) await sleep(wait_ms);
        }
        await post(events === 0 ? deltaBody() : eventsBody(first_seq + i * events, events));
      }
    }),
  );
  await all.promise;
  clearTimeout(timeout);
  const seconds = (performance.now() - began) / 1000;
  close();
  for (const poster of posters) poster.close();
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0;
  return { per_s: total / seconds, p50_ms: at(0.5), p99_ms: at(0.99) };
}

/** The body of a POST with events of about 500 bytes each. */
function eventsBody(first: number, count: number): string {
  const at = new Date().toISOString();
  const events = Array.from({ length: count }, (_, i) => ({
    seq: first + i,
    at,
    type: 'log',
    body: { level: 'info', text: `at ${performance.now().toFixed(3)} ${filler}` },
  }));
  return JSON.stringify({ attempt: 1, events });
}

function deltaBody(): string {
  const text = `at ${performance.now().toFixed(3)} a few words`;
  return JSON.stringify({ attempt: 1, events: [], deltas: [{ ref: '1', kind: 'text', text }] });
}

async function openPoster(target: Target, worker: number): Promise<Poster> {
  if (target.kind === 'tcp') {
    const socket = await openTcp(target.port);
    const post = async (body: string) => {
      socket.write(`${body}\n`);
      await once(socket, 'data');
    };
    return { post, close: () => socket.destroy() };
  }
  const { socket, path, headers } = target.workers[worker % target.workers.length] ?? {};
  if (socket === undefined || path === undefined) throw new Error('There is no worker.');
  const client = new Client('http://worker', { socketPath: socket });
  const post = async (body: string) => {
    const { statusCode, body: answer } = await client.request({ path, method: 'POST', headers: headers ?? {}, body });
    const text = await answer.text();
    if (statusCode !== 200) throw new Error(`A POST of events returned ${statusCode}: ${text}`);
  };
  return { post, close: () => void client.destroy() };
}

/**
 * Calls back with all text that the client gets once it watches, and when it is closed. Returns the function that
 * closes it.
 */
async function watch(target: Target, onText: (text: string) => void, onClose: () => void): Promise<() => void> {
  if (target.kind === 'tcp') {
    const socket = await openTcp(target.port);
    socket.write('watch\n');
    await once(socket, 'data');
    let rest = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const end = text.lastIndexOf('\n') + 1;
      onText(rest + text.slice(0, end));
      rest = text.slice(end);
    });
    socket.on('close', onClose);
    return () => socket.destroy();
  }
  const { url, protocols, task_id } = target.watch;
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false });
  socket.on('message', (data: Buffer) => onText(data.toString()));
  const caught_up = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('The client was closed.')));
    socket.on('message', (data: Buffer) => {
      if (data.includes('"caught_up"')) return resolve();
      if (!data.includes('"hello"')) return;
      const { cursor } = JSON.parse(data.toString());
      socket.send(JSON.stringify({ type: 'subscribe', after: cursor, ...(task_id !== null && { task_id }) }));
    });
  });
  await caught_up;
  socket.on('close', onClose);
  return () => socket.terminate();
}

async function openTcp(port: number): Promise<Socket> {
  const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

process.on('message', (load: Load) => {
  run(load).then(
    (measure) => process.send?.(measure),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
