import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SAMPLE_REPO_URL } from '../../protocol/task.ts';
import { WORKER_SOCKET } from '../../protocol/worker.ts';
import { openEngine } from '../../coordinator/workers/docker/engine.ts';
import { Api } from '../support/api.ts';
import { Phone } from '../support/phone.ts';
import { until } from '../support/until.ts';
import { signUp, startCoordinatorProcess } from './coordinator-process.ts';
import { atMost, median, timed, type Row } from './measure.ts';
import { temporaryFolder } from './temporary-folder.ts';

const ROUNDS = 5;
const AT_ONCE = 20;
const IMAGE = process.env.ERRAND_WORKER_IMAGE ?? 'errand-agent';
const COLD_GOAL_MS = 450;
const COLD_RATIO_GOAL = 1.6;
/** From the first event until the repository is cloned. */
const CLONE_GOAL_MS = 250;
const WARM_CLONED_GOAL_MS = 166;
const AT_ONCE_GOAL_MS = 1_200;
/** A worker still loads modules after it listens. In production a warm worker waits for minutes. */
const LOADED_MS = 2_000;
const ERRAND_MS = 60_000;

const run = promisify(execFile);

/** The times from `POST /task`, in milliseconds. */
type Times = { first_ms: number; cloned_ms: number };

/**
 * (b) The time from `POST /task` to the worker's first event and to the end of its clone: warm, cold, and of many
 * errands at once. The baseline is the creation and the start of a container of the same image by Docker's API, or a
 * bare Node process if there is no Docker.
 */
export async function benchStart(): Promise<Row[]> {
  const runner = await run('docker', ['image', 'inspect', IMAGE]).then(
    () => 'docker' as const,
    () => 'process' as const,
  );
  await using stack = new AsyncDisposableStack();
  const warm = await sender(stack, runner, true);
  const cold = await sender(stack, runner, false);
  const took = { warm: [] as Times[], cold: [] as Times[], floor: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    took.floor.push(await FLOORS[runner].measure());
    took.cold.push(...(await cold(1)));
    took.warm.push(...(await warm(1)));
  }
  const firsts = (await cold(AT_ONCE)).map(({ first_ms }) => first_ms);
  const floor = { ms: median(took.floor), what: FLOORS[runner].what };
  return [...coldRows(took.cold, floor), ...warmRows(took.warm, took.cold), ...atOnceRows(firsts, floor)];
}

type Floor = { ms: number; what: string };
const first = (all: Times[]) => median(all.map(({ first_ms }) => first_ms));

function coldRows(cold: Times[], floor: Floor): Row[] {
  const clone_ms = median(cold.map(({ first_ms, cloned_ms }) => cloned_ms - first_ms));
  const goal = { ms: COLD_GOAL_MS, ratio: COLD_RATIO_GOAL };
  return [
    atMost(`POST /task to first event, cold, against ${floor.what}`, first(cold), floor.ms, goal),
    atMost('from there to repository.ready, cold', clone_ms, floor.ms, { ms: CLONE_GOAL_MS }),
  ];
}

function warmRows(warm: Times[], cold: Times[]): Row[] {
  const cloned_ms = median(warm.map((each) => each.cloned_ms));
  return [
    atMost('POST /task to first event, warm, against cold', first(warm), first(cold), { ratio: 0.25 }),
    atMost('POST /task to repository.ready, warm, against cold', cloned_ms, first(cold), { ms: WARM_CLONED_GOAL_MS }),
  ];
}

function atOnceRows(firsts: number[], floor: Floor): Row[] {
  const goal = { ms: AT_ONCE_GOAL_MS };
  return [
    atMost(`${AT_ONCE} POST /task at once to the first event of the first`, Math.min(...firsts), floor.ms, goal),
    atMost(`${AT_ONCE} POST /task at once to the first event of the last`, Math.max(...firsts), floor.ms, {}),
  ];
}

const FLOORS = {
  docker: { what: "Docker's API: create, start", measure: startContainer },
  process: {
    what: 'a bare `node`',
    measure: () => timed(() => run(process.execPath, ['--eval', ''], { timeout: ERRAND_MS })),
  },
};

/** The time in which the engine creates and starts a container that does nothing. */
async function startContainer(): Promise<number> {
  const { calls, close } = openEngine(process.env.DOCKER_HOST);
  const name = `errand-bench-${process.pid}`;
  const options = {
    Image: IMAGE,
    Entrypoint: ['true'],
    Labels: { 'errand.bench': '1' },
    HostConfig: { NetworkMode: 'none' },
  };
  try {
    return await timed(async () => {
      await calls.createContainer(name, options);
      await calls.startContainer(name);
    });
  } finally {
    await calls.removeContainer(name);
    close();
  }
}

/** Starts a coordinator. Returns a function that sends errands and measures the times to their workers' events. */
async function sender(stack: AsyncDisposableStack, runner: 'docker' | 'process', warm: boolean) {
  const { path } = stack.use(await temporaryFolder());
  const settings = {
    ERRAND_RUNNER: runner,
    ERRAND_WORKER_IMAGE: IMAGE,
    ERRAND_WARM_WORKERS: warm ? '1' : '0',
    ERRAND_WORKERS: String(AT_ONCE),
  };
  const { url } = stack.use(await startCoordinatorProcess(path, settings));
  const { user, access_token } = await signUp(url, path);
  const api = new Api(url, access_token);
  const phone = stack.adopt(new Phone(url, user.id, () => access_token), (it) => it.close());
  await phone.until(({ frames }) => frames.some(({ type }) => type === 'caught_up'));
  return async (count: number): Promise<Times[]> => {
    await until('the expected number of workers is ready', () => waiting(path) === (warm ? 1 : 0), ERRAND_MS);
    await delay(LOADED_MS);
    return Promise.all(Array.from({ length: count }, () => sendOne(api, phone, warm)));
  };
}

async function sendOne(api: Api, phone: Phone, warm: boolean): Promise<Times> {
  const begin = performance.now();
  const body = { prompt: 'Make the tests pass', repo_url: SAMPLE_REPO_URL };
  const { id } = await api.call('createTask', { body });
  const event = (type: string) => phone.events.find((each) => each.task_id === id && each.type === type);
  const seen = async (type: string) => {
    await phone.until(() => event(type) !== undefined, ERRAND_MS);
    return performance.now() - begin;
  };
  const [first_ms, cloned_ms] = [await seen('agent.started'), await seen('repository.ready')];
  if (event('attempt.started')?.body['warm'] !== warm) throw new Error(`The worker was ${warm ? 'not ' : ''}warm.`);
  await api.call('cancelTask', { params: { id } });
  return { first_ms, cloned_ms };
}

/** The number of workers; undefined while one of them does not listen yet. */
function waiting(data_dir: string): number | undefined {
  const dir = join(data_dir, 'workers');
  const names = existsSync(dir) ? readdirSync(dir) : [];
  return names.every((name) => existsSync(join(dir, name, 'worker', WORKER_SOCKET))) ? names.length : undefined;
}
