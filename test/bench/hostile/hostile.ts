import { fileURLToPath } from 'node:url';
import { ms, times, type Row } from '../measure.ts';
import { startCalls } from '../programs.ts';
import { startProduct, type HttpTarget } from '../relay/product.ts';
import { startLoad } from '../relay/start-load.ts';
import { BODIES, type Door } from './bodies.ts';
import type { Answers, Flood } from './flood.ts';

/** The errands whose events are measured. */
const OTHERS = 9;
const POSTS_PER_S = 90;
const QUIET_MS = 4_000;
const FLOOD_MS = { short: 4_000, long: 60_000 };
const P99_GOAL_MS = 100;

const WHAT: Record<Door, string> = {
  callbacks: 'callbacks of up to 4 MB',
  model: 'requests of up to 31 MB to the model',
  public: 'log-ins of 256 kB',
};

type Worst = { what: string; p99_ms: number };

/**
 * (g) What others feel while somebody sends bodies that are cheap to send and expensive to check, as fast as they are
 * answered: the p99 of nine errands' events from the POST to a client, for the worst body of each door. Each callback
 * and each request to the model comes from an errand of its own, whose budget of bytes is whole.
 */
export async function benchHostile({ long }: { long: boolean }): Promise<Row[]> {
  const flood_ms = long ? FLOOD_MS.long : FLOOD_MS.short;
  const rows: Row[] = [];
  for (const door of Object.keys(BODIES) as Door[]) {
    const { quiet_ms, worst } = await benchDoor(door, flood_ms);
    rows.push({
      what: `others' POST to socket, p99, during ${WHAT[door]}, ${flood_ms / 1000} s each (worst: ${worst.what})`,
      figure: ms(worst.p99_ms),
      floor: ms(quiet_ms),
      ratio: times(worst.p99_ms / quiet_ms),
      goal: `< ${ms(P99_GOAL_MS)}`,
      met: worst.p99_ms < P99_GOAL_MS,
    });
  }
  return rows;
}

async function benchDoor(door: Door, flood_ms: number): Promise<{ quiet_ms: number; worst: Worst }> {
  await using stack = new AsyncDisposableStack();
  const names = Object.keys(BODIES[door]);
  const product = await startProduct(stack, OTHERS + names.length);
  const runLoad = startLoad(stack);
  const runFlood = startCalls<Answers>(stack, fileURLToPath(new URL('./flood.ts', import.meta.url)));
  let first_seq = 1;
  const others = async (for_ms: number): Promise<number> => {
    const posts = Math.round(((for_ms / 1000) * POSTS_PER_S) / OTHERS);
    const shape = { workers: OTHERS, posts, events: 1, posts_per_s: POSTS_PER_S };
    const { p99_ms } = await runLoad({ ...shape, first_seq, target: product.target });
    first_seq += posts;
    return p99_ms;
  };
  const quiet_ms = await others(QUIET_MS);
  let worst: Worst = { what: '', p99_ms: 0 };
  for (const [index, what] of names.entries()) {
    const attacker = product.target.workers[OTHERS + index];
    if (!attacker) throw new Error('There is no worker.');
    const flood: Flood = { ...addressOf(door, product.url, attacker), door, what, ms: flood_ms };
    const [p99_ms, answers] = await Promise.all([others(flood_ms), runFlood(flood)]);
    console.error(`  ${door}, ${what}: p99 ${ms(p99_ms)}, answers ${JSON.stringify(answers)}`);
    if (p99_ms > worst.p99_ms) worst = { what, p99_ms };
  }
  return { quiet_ms, worst };
}

/** Where the bodies of a door go. */
function addressOf(door: Door, url: string, { socket, path, headers }: HttpTarget['workers'][number]) {
  const origin = 'http://worker';
  switch (door) {
    case 'callbacks':
      return { socket, origin, path, headers };
    case 'model':
      return { socket, origin, path: path.replace(/events$/, 'llm/v1/messages'), headers };
    case 'public':
      return { socket: null, origin: url, path: '/auth/login', headers: { 'content-type': 'application/json' } };
  }
}
