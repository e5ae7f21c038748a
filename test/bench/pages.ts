import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { newId } from '../../protocol/ids.ts';
import { logIn, signUp, startCoordinatorProcess } from './coordinator-process.ts';
import { median, ms, times, timed, type Row } from './measure.ts';

const FEW = 1_000;
const MANY = 1_000_000;
const REQUESTS = 300;

/** (c) A page of tasks and of events, with few rows and with many. Both servers run at once and are asked in turn, so that noise hits both. */
export async function benchPages(): Promise<Row[]> {
  const servers = [await seededServer(FEW), await seededServer(MANY)] as const;
  try {
    const rows: Row[] = [];
    for (const what of ['tasks', 'events'] as const) {
      const took: [number[], number[]] = [[], []];
      for (let i = 0; i < REQUESTS; i++)
        for (const side of [0, 1] as const) took[side].push(await timed(() => servers[side].page(what)));
      const [few, many] = [median(took[0]), median(took[1])];
      rows.push({
        what: `page of 50 ${what}, ${MANY.toLocaleString('en')} rows against ${FEW.toLocaleString('en')}`,
        figure: ms(many),
        floor: ms(few),
        ratio: times(many / few),
        goal: '≤ 1.50×',
        met: many / few <= 1.5,
      });
    }
    return rows;
  } finally {
    for (const server of servers) await server.close();
  }
}

/** A coordinator whose only user has `count` tasks, and one task with `count` events. */
async function seededServer(count: number) {
  const data_dir = mkdtempSync(join(tmpdir(), 'errand-bench-'));
  const first = await startCoordinatorProcess(data_dir);
  const { user } = await signUp(first.url);
  await first.stop();
  const task_id = seed(join(data_dir, 'errand.db'), user.id, count);
  const server = await startCoordinatorProcess(data_dir);
  const { access_token } = await logIn(server.url, user.email);
  const paths = {
    tasks: '/tasks?limit=50',
    events: `/tasks/${task_id}/events?limit=50&after=${Math.floor(count / 2)}`,
  };
  return {
    page: async (what: keyof typeof paths) => {
      const page = await fetch(server.url + paths[what], { headers: { authorization: `Bearer ${access_token}` } });
      const { items } = (await page.json()) as { items: unknown[] };
      if (items.length !== 50) throw new Error(`A page of ${what} had ${items.length} items.`);
    },
    close: async () => {
      await server.stop();
      rmSync(data_dir, { recursive: true, force: true });
    },
  };
}

function seed(path: string, user_id: string, count: number): string {
  const db = new Database(path);
  const at = new Date().toISOString();
  const task = db.prepare(
    `INSERT INTO tasks (id, user_id, repo_url, prompt, title, branch, model, budget_usd, max_turns, priority, status, attempt, failures,
       queued_at, plan, created_at, updated_at, ended_at)
     VALUES (?, ?, 'https://example.org/a/b', 'Mend the build', 'Mend the build', 'errand/x', 'demo', 5, 100, 0, 'succeeded', 1, 0, ?, '[]', ?, ?, ?)`,
  );
  const event = db.prepare(
    `INSERT INTO events (task_id, user_id, attempt, seq, type, at, body) VALUES (?, ?, 1, ?, 'log', ?, ?)`,
  );
  const body = JSON.stringify({ level: 'info', text: 'x'.repeat(300) });
  let last = '';
  db.transaction(() => {
    for (let i = 0; i < count; i++) task.run((last = newId()), user_id, at, at, at, at);
    for (let i = 1; i <= count; i++) event.run(last, user_id, i, at, body);
  })();
  db.close();
  return last;
}
