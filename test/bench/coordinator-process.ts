import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Session } from '../../protocol/api.ts';

const MAIN = fileURLToPath(new URL('../../coordinator/main.ts', import.meta.url));

/** A coordinator in a process of its own, as `npm start` runs it. */
export type CoordinatorProcess = {
  url: string;
  /** From the start of the process until `/readyz` said yes. */
  ready_ms: number;
  /** What of the process is in memory, in bytes (Linux). */
  memory_bytes: () => number;
  stop: () => Promise<void>;
};

/** Starts it on a free port, with the process runner, no warm workers unless told, and the demo model. */
export async function startCoordinatorProcess(
  data_dir: string,
  env: Record<string, string> = {},
): Promise<CoordinatorProcess> {
  const begin = performance.now();
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      ERRAND_CALLBACK_PORT: '0',
      ERRAND_DATA: data_dir,
      ERRAND_RUNNER: 'process',
      ERRAND_WARM_WORKERS: '0',
      ERRAND_LOG: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const found = /http:\/\/[\d.]+:\d+/.exec(line)?.[0];
      if (found) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`The coordinator ended with ${code} before it was ready.`)));
  });
  while (!(await fetch(`${url}/readyz`)).ok) await new Promise((resolve) => setTimeout(resolve, 5));
  const ready_ms = performance.now() - begin;
  return {
    url,
    ready_ms,
    memory_bytes: () => {
      const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
      return Number(kilobytes) * 1024;
    },
    stop: async () => {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

export const BENCH_ACCOUNT = { email: 'bench@example.org', password: 'a bench is for sitting' };

/** Makes the first account. */
export function signUp(url: string): Promise<Session> {
  return session(`${url}/auth/signup`, BENCH_ACCOUNT);
}

export function logIn(url: string, email: string): Promise<Session> {
  return session(`${url}/auth/login`, { ...BENCH_ACCOUNT, email });
}

async function session(url: string, body: typeof BENCH_ACCOUNT): Promise<Session> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return Session.parse(await answer.json());
}
