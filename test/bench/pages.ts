import { join } from 'node:path';
import Database from 'better-sqlite3';
import { newId } from '../../protocol/ids.ts';
import { BENCH_ACCOUNT, logIn, signUp, startCoordinatorProcess } from './coordinator-process.ts';
import { median, ms, times, timed, type Row } from './measure.ts';
import { temporaryFolder } from './temporary-folder.ts';

const FEW = 1_000;
const MANY = 1_000_000;
const REQUESTS = 300;
/** The timeout of one request. */
const PAGE_MS = 30_000;
const RATIO_GOAL = 1.5;

/**
 * (c) The time of a page of tasks and of events, with few and with many rows. Both servers run at once and are called
 * alternately, so that noise affects both.
 */
export async function benchPages(): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const servers = [await seededServer(stack, FEW), await seededServer(stack, MANY)] as const;
  const rows: Row[] = [];
  for (const what of ['tasks', 'events'] as const) {
    const took: [number[], number[]] = [[], []];
    for (let i = 0; i < REQUESTS; i++)
      for (const side of [0, 1] as const) took[side].push(await timed(() => servers[side](what)));
    const [few, many] = [median(took[0]), median(took[1])];
    rows.push({
      what: `page of 50 ${what}, ${MANY.toLocaleString('en')} rows against ${FEW.toLocaleString('en')}`,
      figure: ms(many),
      floor: ms(few),
      ratio: times(many / few),
      goal: `≤ ${times(RATIO_GOAL)}`,
      met: many / few <= RATIO_GOAL,
    });
  }
  return rows;
}

/** Starts a coordinator with `count` tasks and `count` events of one task. Returns the function that reads a page. */
async function seededServer(stack: AsyncDisposableStack, count: number) {
  const { path } = stack.use(await temporaryFolder());
  {
    await using first = await startCoordinatorProcess(path);
    await signUp(first.url, path);
  }
  const task_id = seed(join(path, 'errand.db'), count);
  const server = stack.use(await startCoordinatorProcess(path));
  const { access_token } = await logIn(server.url, BENCH_ACCOUNT.email);
  const paths = {
    tasks: '/tasks?limit=50',
    events: `/tasks/${task_id}/events?limit=50&after=${Math.floor(count / 2)}`,
  };
  return async (what: keyof typeof paths) => {
    const signal = AbortSignal.timeout(PAGE_MS);
    const page = await fetch(server.url + paths[what], {
      headers: { authorization: `Bearer ${access_token}` },
      signal,
    });
    const { items } = (await page.json()) as { items: unknown[] };
    if (items.length !== 50) throw new Error(`A page of ${what} had ${items.length} items.`);
  };
}

/** Fills the log of the only user; returns the id of the task with the events. */
function seed(path: string, count: number): string {
  const db = new Database(path);
  const user_id = db.prepare('SELECT id FROM users').pluck().get();
  const at = new Date().toISOString();
  const task = db.prepare(
    `INSERT INTO tasks (id, user_id, repo_url, prompt, title, branch, model, budget_usd, max_turns, priority, status, attempt, failures,
       queued_at, plan, created_at, updated_at, ended_at)
     VALUES (?, ?, 'https://example.org/a/b', 'Fix the build', 'Fix the build', 'errand/x', 'demo', 5, 100, 0, 'succeeded', 1, 0, ?, '[]', ?, ?, ?)`,
  );
  const event = db.prepare(
    `INSERT INTO events (task_id, user_id, attempt, seq, type, at, body) VALUES (?, ?, 1, ?, 'log', ?, ?)`,
  );
  const body = JSON.stringify({ level: 'info', text: 'x'.repeat(300) });
  let last = '';
  db.transaction(() => {
    for (let i = 0; i < count; i++) task.run((last = newId()), user_id, at, at, at, at);
    for (let i = 1; i <= count; i++) event.run(last, user_id, i, at, body);
    // Durable subscribers have handled the log of a server that ran: they would read a million events meanwhile.
    db.prepare('UPDATE subscribers SET cursor = ?').run(count);
  })();
  db.close();
  return last;
}
