import { spawn } from 'node:child_process';

const COUNTED = { bytes: { option: '-k', unit: 1024 }, files: { option: '--inodes', unit: 1 } };
/** The last line of `du`'s output. */
const TOTAL = /(?:^|\n)(\d+)\t[^\n]*\n$/;

/**
 * Measures the total disk usage of these folders, in bytes or in files, with `du` at low priority. Counts each file
 * once; does not follow links or cross file systems. A missing folder counts as 0. A timeout gives Infinity: a worker
 * can create folders that take hours to count. Not counted: folders that this process may not read, and files that are
 * unlinked but still open. Rejects if `du` cannot start or ends without a total, and when the signal aborts.
 */
export function folderSize(
  what: keyof typeof COUNTED,
  paths: string[],
  { within_ms, signal }: { within_ms: number; signal: AbortSignal },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const { option, unit } = COUNTED[what];
    // Not the lowest priority: it would time out while workers use all of the CPU.
    const child = spawn('nice', ['-n', '10', 'du', '-scx', option, '--', ...paths], {
      // stderr is unbounded, and means little: files come and go during the count.
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: within_ms,
      killSignal: 'SIGKILL',
      signal,
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code, killed_by) => {
      const total = TOTAL.exec(output)?.[1];
      if (total !== undefined) resolve(Number(total) * unit);
      // Killed by our timeout. A signal from outside (service stop, Ctrl-C) says nothing about the folder.
      else if (child.killed) resolve(Infinity);
      else reject(new Error(`du ended with ${killed_by ?? code} and printed no total.`));
    });
  });
}
