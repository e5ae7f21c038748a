import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

/*
 * The load generator of the relay's benchmark, in a process of its own: workers that post events, and a client that
 * watches. It measures the latency of each event from the POST to the client.
 */

/** Each of `workers` posts `posts` times `events` events. `posts_per_s`: the total rate; null: as fast as possible. */
export type Load = {
  target:
    | { kind: 'errand'; port: number; tokens: { task_id: string; token: string }[]; url: string; user_id: string }
    | { kind: 'floor'; url: string };
  workers: number;
  posts: number;
  events: number;
  posts_per_s: number | null;
};

/** Latencies of events from the POST to the client, and the total throughput. */
export type Measure = { events_per_s: number; p50_ms: number; p99_ms: number; worst_ms: number };

const filler = 'x'.repeat(380);

async function run({ target, workers, posts, events, posts_per_s }: Load): Promise<Measure> {
  const latencies: number[] = [];
  const total = workers * posts * events;
  /** The baseline replies to each post, in order, with an empty frame. */
  const unanswered: (() => void)[] = [];
  const all = Promise.withResolvers<void>();
  const socket = await (target.kind === 'errand' ? watch(target.url, target.user_id) : open(target.url));
  socket.on('message', (data: Buffer) => {
    const now = performance.now();
    if (data.length === 0) return unanswered.shift()?.();
    for (const [, sent] of data.toString().matchAll(/"text":"at (\d+\.\d+) /g)) latencies.push(now - Number(sent));
    if (latencies.length >= total) all.resolve();
  });
  const agent = new Agent({ keepAlive: true, maxSockets: workers });
  const post = async (worker: number, body: string): Promise<void> => {
    if (target.kind === 'floor') {
      socket.send(body);
      return new Promise((resolve) => unanswered.push(resolve));
    }
    const { task_id, token } = target.tokens[worker] ?? { task_id: '', token: '' };
    const call = request({
      agent,
      host: '127.0.0.1',
      port: target.port,
      path: `/internal/tasks/${task_id}/events`,
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    });
    call.end(body);
    const [response] = await once(call, 'response');
    response.resume();
    await once(response, 'end');
    if (response.statusCode !== 200) throw new Error(`A POST of events returned ${response.statusCode}.`);
  };
  const started = performance.now();
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      for (let i = 0; i < posts; i++) {
        if (posts_per_s !== null) {
          const due = started + ((i * workers + worker) * 1000) / posts_per_s;
          const wait_ms = due - performance.now();
          if (wait_ms > 0) await sleep(wait_ms);
        }
        await post(worker, bodyOf(i * events + 1, events));
      }
    }),
  );
  await all.promise;
  const seconds = (performance.now() - started) / 1000;
  socket.terminate();
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0;
  return { events_per_s: total / seconds, p50_ms: at(0.5), p99_ms: at(0.99), worst_ms: at(1) };
}

/** The body of a POST with events of about 500 bytes each. */
function bodyOf(first: number, count: number): string {
  const at = new Date().toISOString();
  const events = Array.from({ length: count }, (_, i) => ({
    seq: first + i,
    at,
    type: 'log',
    body: { level: 'info', text: `at ${performance.now().toFixed(3)} ${filler}` },
  }));
  return JSON.stringify({ attempt: 1, events });
}

function connect(url: string, protocols: string[]): WebSocket {
  return new WebSocket(url, protocols, { perMessageDeflate: false });
}

async function open(url: string): Promise<WebSocket> {
  const socket = connect(url, []);
  await once(socket, 'open');
  return socket;
}

/** Connects a client and waits until it has caught up. */
function watch(url: string, user_id: string): Promise<WebSocket> {
  const socket = connect(`${url}/${user_id}`, ['errand.v1', `bearer.${user_id}`]);
  return new Promise((resolve, reject) => {
    socket.on('close', () => reject(new Error('the socket was closed')));
    socket.on('message', function follow(data: Buffer) {
      const frame = JSON.parse(data.toString());
      if (frame.type === 'hello') socket.send(JSON.stringify({ type: 'subscribe', after: frame.cursor }));
      if (frame.type !== 'caught_up') return;
      socket.off('message', follow);
      resolve(socket);
    });
  });
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
