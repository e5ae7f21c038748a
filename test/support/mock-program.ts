import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { startProgram } from './child.ts';
import { temporaryFolder } from './folder.ts';
import { until } from './until.ts';

const MOCK = fileURLToPath(new URL('./mock-coordinator/main.ts', import.meta.url));

/** Starts the mock coordinator as a program, on a free port, and reads the command lines that it prints. */
export async function startMock(t: ExecutionContext, args: string[], given: Record<string, string> = {}) {
  // A test that fails kills it.
  const env = { TMPDIR: await temporaryFolder(t), ...given };
  const mock = startProgram(t, MOCK, ['--port', '0', '--heartbeat-ms', '100', ...args], env);
  await until('it prints how to start a worker', () => mock.printed().includes('Type help'), 30_000);
  const [, process_line = '', container_line = ''] =
    /Start a worker with:\n\n(.*?)\n\nor in a container:\n\n(.*?)\n\n/s.exec(mock.printed()) ?? [];
  const origin = /ERRAND_COORDINATOR=(http\S+)/.exec(process_line)?.[1];
  const control = async (line: string) => {
    const response = await request(`${origin}/control`, { method: 'POST', body: line });
    return `${response.statusCode} ${await response.body.text()}`;
  };
  /** Waits until it has printed this many results, and where their branches are. */
  const results = (count: number) =>
    until(
      `${count} results are printed`,
      () => [...mock.printed().matchAll(/^(The branch is|.* has no branch)/gm)].length >= count,
      30_000,
    );
  return { mock, control, results, process_line, container_line };
}

/** Runs a printed command line in the shell. Resolves with its exit code and its output. It ends with the test. */
export async function runLine(t: ExecutionContext, line: string): Promise<{ code: number | null; output: string }> {
  const child = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const closed = once(child, 'close') as Promise<[number | null]>;
  t.teardown(async () => {
    // The shell and what it started.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
    await closed;
  });
  const [code] = await closed;
  return { code, output };
}
