import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Session } from '../../protocol/accounts.ts';
import { removeWorkers } from '../support/remove-workers.ts';
import { setupCodeOf } from '../support/setup-code.ts';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
/** What `npm start` runs: see `.start`. */
const START = path('.start');
const NODE_COMPILE_CACHE = path('node_modules/.cache/errand');
const READY_MS = 30_000;
/** The process is killed after this time, and the bench fails. */
const LIFE_MS = 30 * 60_000;
const STOP_MS = 15_000;
const CALL_MS = 30_000;

/** A server in a process of its own. Disposing of it stops the server and removes its workers. */
export type ServerProcess = AsyncDisposable & {
  url: string;
  /** The time from the start of the process until it was ready. */
  ready_ms: number;
  /** The resident memory of the process, in bytes (Linux). */
  memory_bytes: () => number;
};

/**
 * Starts a coordinator as `npm start` does, on a free port, with the demo model and by default no warm workers. Rejects
 * with its output if it is not ready in 30 seconds.
 */
export function startCoordinatorProcess(data_dir: string, env: Record<string, string> = {}): Promise<ServerProcess> {
  const own = {
    PORT: '0',
    ERRAND_CALLBACK_PORT: '0',
    ERRAND_DATA: data_dir,
    ERRAND_WARM_WORKERS: '0',
    ERRAND_LOG: 'warn',
  };
  return startServerProcess([START], { ...own, ...env }, () => removeWorkers(data_dir));
}

/** Starts a command that prints its address and returns 200 for `/readyz` when it is ready. */
export async function startServerProcess(
  [program = '', ...args]: string[],
  env: Record<string, string> = {},
  afterwards: () => Promise<void> = async () => undefined,
): Promise<ServerProcess> {
  const { PATH = '', DOCKER_HOST = '' } = process.env;
  const begin = performance.now();
  const child = spawn(program, args, {
    env: { PATH, DOCKER_HOST, NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIFE_MS,
    killSignal: 'SIGKILL',
  });
  const closed = once(child, 'close');
  const stop = async () => {
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await closed;
    clearTimeout(kill);
    await afterwards();
  };
  let output = '';
  const listens = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-10_000);
      const url = /http:\/\/[\d.]+:\d+/.exec(output)?.[0];
      if (url !== undefined) listens.resolve(url);
    });
  const fail = () => listens.reject(new Error(`${program} was not ready. Output:\n${output}`));
  const late = setTimeout(fail, READY_MS);
  child.once('close', fail);
  try {
    const url = await listens.promise;
    await waitUntilReady(`${url}/readyz`);
    const ready_ms = performance.now() - begin;
    return { url, ready_ms, memory_bytes: () => residentBytes(child.pid), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

async function waitUntilReady(url: string): Promise<void> {
  const signal = AbortSignal.timeout(READY_MS);
  while (!(await fetch(url, { signal })).ok) await new Promise((resolve) => setTimeout(resolve, 5));
}

function residentBytes(pid = 0): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

export const BENCH_ACCOUNT = { email: 'bench@example.org', password: 'a bench is for sitting' };

/** Creates the first account of the server on this data folder. */
export function signUp(url: string, data_dir: string): Promise<Session> {
  return session(`${url}/auth/signup`, { ...BENCH_ACCOUNT, setup_code: setupCodeOf(data_dir) });
}

export function logIn(url: string, email: string): Promise<Session> {
  return session(`${url}/auth/login`, { ...BENCH_ACCOUNT, email });
}

async function session(url: string, body: Record<string, string>): Promise<Session> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(CALL_MS),
  });
  return Session.parse(await response.json());
}
