import { join } from 'node:path';
import { openDatabase } from '../../coordinator/sqlite/open-database.ts';
import { nextTask } from '../../coordinator/sqlite/queue.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { SAMPLE_REPO_URL } from '../../protocol/task.ts';
import { Api } from '../support/api.ts';
import { addTask, addUser } from '../support/dispatching.ts';
import { BENCH_ACCOUNT, logIn, signUp, startServerProcess } from './coordinator-process.ts';
import { median, ms, timed, times, type Row } from './measure.ts';
import { productCommand } from './relay/product.ts';
import { temporaryFolder } from './temporary-folder.ts';

const FEW = 100;
const MANY = [10_000, 100_000];
const POSTS = 200;
const PICKS = 500;
const RATIO_GOAL = 1.5;
const PICK_GOAL_MS = 2;

/**
 * (f) The time of `POST /task`, and of the pick of the next task, with few and with many queued. All servers run at
 * once and are called in turn, so that noise affects all.
 */
export async function benchQueue(): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const few = await seededServer(stack, FEW);
  const many = [];
  for (const count of MANY) many.push(await seededServer(stack, count));
  for (let i = 0; i < POSTS; i++) for (const server of [few, ...many]) await server.post();
  for (let i = 0; i < PICKS; i++) for (const server of [few, ...many]) server.pick();
  const [few_post, few_pick] = [median(few.posts_ms), median(few.picks_ms)];
  return many.flatMap(({ count, posts_ms, picks_ms }) => {
    const [post, pick] = [median(posts_ms), median(picks_ms)];
    const against = `${count.toLocaleString('en')} queued against ${FEW}`;
    return [
      {
        what: `POST /task, ${against}`,
        figure: ms(post),
        floor: ms(few_post),
        ratio: times(post / few_post),
        goal: `≤ ${times(RATIO_GOAL)}`,
        met: post / few_post <= RATIO_GOAL,
      },
      {
        what: `pick of the next task, ${against}`,
        figure: ms(pick),
        floor: ms(few_pick),
        ratio: times(pick / few_pick),
        goal: `< ${ms(PICK_GOAL_MS)}`,
        met: pick < PICK_GOAL_MS,
      },
    ];
  });
}

/**
 * Starts a server with `count` queued tasks of other users, as many as they may have each. Its workers take a task and
 * never end.
 */
async function seededServer(stack: AsyncDisposableStack, count: number) {
  const { path } = stack.use(await temporaryFolder());
  const env = { PORT: '0', ERRAND_CALLBACK_PORT: '0', ERRAND_DATA: path, ERRAND_LOG: 'warn', ERRAND_WORKERS: '1' };
  const start = () => startServerProcess(productCommand(), { ...env, ERRAND_WARM_WORKERS: '0' });
  {
    await using first = await start();
    await signUp(first.url, path);
  }
  const db = openDatabase(join(path, 'errand.db'));
  db.transaction(() => {
    let user_id = '';
    for (let i = 0; i < count; i++) {
      if (i % LIMITS.queued_tasks_per_user_max === 0) user_id = addUser(db);
      addTask(db, user_id);
    }
  })();
  db.close();
  const server = stack.use(await start());
  const api = new Api(server.url, (await logIn(server.url, BENCH_ACCOUNT.email)).access_token);
  const reader = stack.adopt(openDatabase(join(path, 'errand.db')), (it) => void it.close());
  const [posts_ms, picks_ms]: [number[], number[]] = [[], []];
  const body = { prompt: 'Wait', repo_url: SAMPLE_REPO_URL };
  return {
    count,
    posts_ms,
    picks_ms,
    post: async () => void posts_ms.push(await timed(() => api.call('createTask', { body }))),
    pick: () => {
      const began = performance.now();
      if (nextTask(reader, []) === undefined) throw new Error('No task is queued.');
      picks_ms.push(performance.now() - began);
    },
  };
}
