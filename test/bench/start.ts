import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SAMPLE_REPO_URL } from '../../protocol/task.ts';
import { WORKER_SOCKET } from '../../protocol/worker.ts';
import { Api } from '../support/api.ts';
import { Phone } from '../support/phone.ts';
import { until } from '../support/until.ts';
import { signUp, startCoordinatorProcess } from './coordinator-process.ts';
import { median, ms, timed, times, type Row } from './measure.ts';
import { temporaryFolder } from './temporary-folder.ts';

const ROUNDS = 5;
const IMAGE = process.env.ERRAND_WORKER_IMAGE ?? 'errand-agent';
const RATIO_GOAL = 0.25;
/** A worker still loads modules after it listens. In production a warm worker waits for minutes. */
const LOADED_MS = 2_000;
const ERRAND_MS = 60_000;

const run = promisify(execFile);

/**
 * (b) The time from `POST /task` to the worker's first event, warm and cold. The baseline is a container of the same
 * image, or a bare Node process if there is no Docker.
 */
export async function benchStart(): Promise<Row[]> {
  const runner = await run('docker', ['image', 'inspect', IMAGE]).then(
    () => 'docker' as const,
    () => 'process' as const,
  );
  await using stack = new AsyncDisposableStack();
  const warm = await sender(stack, runner, true);
  const cold = await sender(stack, runner, false);
  const took = { warm: [] as number[], cold: [] as number[], floor: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    took.floor.push(await timed(FLOORS[runner].run));
    took.cold.push(await cold());
    took.warm.push(await warm());
  }
  const [warm_ms, cold_ms, floor_ms] = [median(took.warm), median(took.cold), median(took.floor)];
  return [
    {
      what: `POST /task to first event, cold (${runner}), against ${FLOORS[runner].what}`,
      figure: ms(cold_ms),
      floor: ms(floor_ms),
      ratio: times(cold_ms / floor_ms),
      goal: '',
      met: null,
    },
    {
      what: `POST /task to first event, warm (${runner}), against cold`,
      figure: ms(warm_ms),
      floor: ms(cold_ms),
      ratio: times(warm_ms / cold_ms),
      goal: `< ${times(RATIO_GOAL)}`,
      met: warm_ms / cold_ms < RATIO_GOAL,
    },
  ];
}

const FLOORS = {
  docker: {
    what: '`docker run`',
    run: () =>
      run('docker', ['run', '--rm', '--network', 'none', '--entrypoint', 'true', IMAGE], { timeout: ERRAND_MS }),
  },
  process: { what: 'a bare `node`', run: () => run(process.execPath, ['--eval', ''], { timeout: ERRAND_MS }) },
};

/** Starts a coordinator. Returns a function that sends an errand and measures the time to the worker's first event. */
async function sender(stack: AsyncDisposableStack, runner: 'docker' | 'process', warm: boolean) {
  const { path } = stack.use(await temporaryFolder());
  const warm_workers = warm ? '1' : '0';
  const settings = { ERRAND_RUNNER: runner, ERRAND_WORKER_IMAGE: IMAGE, ERRAND_WARM_WORKERS: warm_workers };
  const { url } = stack.use(await startCoordinatorProcess(path, settings));
  const { user, access_token } = await signUp(url, path);
  const api = new Api(url, access_token);
  const phone = stack.adopt(new Phone(url, user.id, () => access_token), (it) => it.close());
  await phone.until(({ frames }) => frames.some(({ type }) => type === 'caught_up'));
  return async () => {
    await until('the expected number of workers is ready', () => waiting(path) === (warm ? 1 : 0), ERRAND_MS);
    await delay(LOADED_MS);
    const begin = performance.now();
    const body = { prompt: 'Make the tests pass', repo_url: SAMPLE_REPO_URL };
    const { id } = await api.call('createTask', { body });
    const has = (type: string) => phone.events.some((event) => event.task_id === id && event.type === type);
    await phone.until(() => has('agent.started'), ERRAND_MS);
    const took_ms = performance.now() - begin;
    const attempt = phone.events.find((event) => event.task_id === id && event.type === 'attempt.started');
    if (attempt?.body['warm'] !== warm) throw new Error(`The worker was ${warm ? 'not ' : ''}warm.`);
    await api.call('cancelTask', { params: { id } });
    return took_ms;
  };
}

/** The number of workers; undefined while one of them does not listen yet. */
function waiting(data_dir: string): number | undefined {
  const dir = join(data_dir, 'workers');
  const names = existsSync(dir) ? readdirSync(dir) : [];
  return names.every((name) => existsSync(join(dir, name, 'worker', WORKER_SOCKET))) ? names.length : undefined;
}
