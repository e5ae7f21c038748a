import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { median, ms, perSecond, times, type Row } from '../measure.ts';
import { startProgram } from '../programs.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import type { Load, Measure, Target } from './load.ts';
import { startProduct } from './product.ts';
import { startLoad } from './start-load.ts';

type Shape = Omit<Load, 'target' | 'first_seq'>;
type Name = 'product' | 'bare' | 'raw';

const ROUNDS = 5;
const WORKERS = 64;

const rate = (posts_per_s: number): Shape => ({
  workers: 10,
  posts: Math.max(6, posts_per_s / 4),
  events: 1,
  posts_per_s,
});

const FLOORS = [
  ['bare', 'bare node:http'],
  ['raw', 'raw TCP and fdatasync'],
] as const;

/** The loads, with the goals as ratios to the bare server: of the throughput at least, of the p50 at most. */
const LOADS: { name: string; shape: Shape; goal: number }[] = [
  { name: '64 × 1 a POST', shape: { workers: 64, posts: 250, events: 1, posts_per_s: null }, goal: 0.8 },
  { name: '16 × 100 a POST', shape: { workers: 16, posts: 30, events: 100, posts_per_s: null }, goal: 1 },
  { name: '20/s', shape: rate(20), goal: 1.15 },
  { name: '200/s', shape: rate(200), goal: 1.15 },
  { name: '1,000/s', shape: rate(1_000), goal: 1.15 },
  { name: 'deltas, 200/s', shape: { workers: 1, posts: 400, events: 0, posts_per_s: 200 }, goal: 1.3 },
];

/**
 * (a) Events from a worker's POST, through the disk, to a client's socket, and deltas past the disk. The floors are a
 * bare `node:http` server with the same table and group commit, and raw TCP with an append and fdatasync. Each round
 * measures all of them, one after the other, each in a process of its own.
 */
export async function benchRelay(): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const targets: Record<Name, Target> = {
    product: (await startProduct(stack, WORKERS)).target,
    bare: await startBare(stack),
    raw: await startRaw(stack),
  };
  const runLoad = startLoad(stack);
  let first_seq = 1;
  const rows: Row[] = [];
  for (const load of LOADS) {
    const { shape } = load;
    const measured: Record<Name, Measure[]> = { product: [], bare: [], raw: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [target, measures] of Object.entries(measured) as [Name, Measure[]][])
        if (target !== 'raw' || shape.events > 0)
          measures.push(await runLoad({ ...shape, first_seq, target: targets[target] }));
      first_seq += shape.posts * shape.events;
    }
    rows.push(...rowsOf(load, measured));
  }
  return rows;
}

/** A row against each floor: the goal is for the bare server. Deltas do not touch the disk, and have no raw floor. */
function rowsOf({ name, shape, goal }: (typeof LOADS)[number], measured: Record<Name, Measure[]>): Row[] {
  const pick = ({ per_s, p50_ms }: Measure) => (shape.posts_per_s === null ? per_s : p50_ms);
  const figure = median(measured.product.map(pick));
  return FLOORS.filter(([floor]) => measured[floor].length > 0).map(([floor, against]) => {
    const bare = median(measured[floor].map(pick));
    const ratio = figure / bare;
    const is_rate = shape.posts_per_s === null;
    const shown = is_rate ? perSecond : ms;
    const has_goal = floor === 'bare';
    return {
      what: `${is_rate ? 'events' : 'POST to socket, p50'}, ${name}, against ${against}`,
      figure: shown(figure),
      floor: shown(bare),
      ratio: times(ratio),
      goal: has_goal ? `${is_rate ? '≥' : '≤'} ${times(goal)}` : '',
      met: has_goal ? (is_rate ? ratio >= goal : ratio <= goal) : null,
    };
  });
}

async function startBare(stack: AsyncDisposableStack): Promise<Target> {
  type Listening = { socket: string; tasks: string[]; url: string };
  const { socket, tasks, url } = await startFloor<Listening>(stack, 'bare-server', String(WORKERS));
  const headers = { 'content-type': 'application/json' };
  const workers = tasks.map((task_id) => ({ socket, path: `/${task_id}`, headers }));
  return { kind: 'http', workers, watch: { url, protocols: [], task_id: null } };
}

async function startRaw(stack: AsyncDisposableStack): Promise<Target> {
  return { kind: 'tcp', ...(await startFloor<{ port: number }>(stack, 'raw-server')) };
}

/**
 * Starts a program of this folder with a folder to write to; resolves with the message that it sends when it listens.
 */
async function startFloor<T>(stack: AsyncDisposableStack, name: string, ...args: string[]): Promise<T> {
  const { path } = stack.use(await temporaryFolder());
  const child = startProgram(stack, program(name), [path, ...args]);
  const [message] = await once(child, 'message');
  return message as T;
}

function program(name: string): string {
  return fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
}
