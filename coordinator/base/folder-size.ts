import { spawn } from 'node:child_process';

const COUNTED = { bytes: { option: '-k', unit: 1024 }, files: { option: '--inodes', unit: 1 } };
/** The last line that `du` writes. */
const TOTAL = /(?:^|\n)(\d+)\t[^\n]*\n$/;

/**
 * How many bytes these folders take up on their disk together, or how many files: counted by `du`, at low priority, each file once, without
 * following links or entering other disks. What is not there is nothing; what was not counted within the time is Infinity, since a worker can make
 * folders for which that is so. What cannot be seen is not in it: folders that this process may not read, and what is unlinked but still open. Rejects
 * where `du` cannot be started, or ends by itself or by others without a figure, and once the signal aborts.
 */
export function folderSize(
  what: keyof typeof COUNTED,
  paths: string[],
  { within_ms, signal }: { within_ms: number; signal: AbortSignal },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const { option, unit } = COUNTED[what];
    // Not the lowest priority: beside workers that take all of the processor it would not be done in time.
    const child = spawn('nice', ['-n', '10', 'du', '-scx', option, '--', ...paths], {
      // Its complaints have no bound, and mean little: files come and go while it counts.
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
      // By the time alone: what kills it from outside (a stop of the whole service, a Ctrl-C) says nothing of the folder.
      else if (child.killed) resolve(Infinity);
      else reject(new Error(`du gave no figure, and ended with ${killed_by ?? code}.`));
    });
  });
}
