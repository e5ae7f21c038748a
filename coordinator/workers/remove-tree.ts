import { spawn } from 'node:child_process';
import { lstatSync } from 'node:fs';

/** How long one pass over a tree may take. */
const PASS_MS = 10 * 60_000;
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
const ERROR_CHARS_MAX = 300;

/**
 * Removes a directory with everything in it, whatever a worker has put there: links are removed and never followed,
 * and no path, depth, mode or attribute is in the way. It leaves that to programs that go from folder to folder: the
 * whole path of a file may be longer than any system call takes. Rejects with the reason if something is left.
 */
export async function removeTree(dir: string): Promise<void> {
  if (!exists(dir)) return;
  await run(['rm', '-rf', '--', dir]);
  if (!exists(dir)) return;
  // Some tools make read-only folders (Go's module cache), which only root can empty.
  await run(['chmod', '-Rf', 'u+rwX', '--', dir]);
  // Files that are immutable or append-only; only a worker that runs as root can make some.
  if (process.getuid?.() === 0)
    await run([
      'find',
      dir,
      '-xdev',
      '(',
      '-type',
      'd',
      '-o',
      '-type',
      'f',
      ')',
      '-execdir',
      'chattr',
      '-f',
      '-ia',
      '--',
      '{}',
      '+',
    ]);
  const fault = await run(['rm', '-rf', '--', dir]);
  if (exists(dir)) throw new Error(`The folder ${dir} could not be removed: ${fault}`);
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Runs a program at low priority. Resolves with the beginning of what it complained about; never rejects. */
function run(command: string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('nice', ['-n', '10', ...command], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: ENVIRONMENT,
      timeout: PASS_MS,
      killSignal: 'SIGKILL',
    });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (complaint.length < ERROR_CHARS_MAX) complaint = (complaint + text).slice(0, ERROR_CHARS_MAX);
    });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (_code, signal) => resolve(signal === null ? complaint : `took too long. ${complaint}`));
  });
}
