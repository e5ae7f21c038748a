import { execFile } from 'node:child_process';

/**
 * What a folder takes up on its disk, in bytes; 0 where it is not there, Infinity where it could not be counted within the time. It is counted by
 * `du`, with the lowest priority and without following links. Rejects where there is no `du`, and once the signal aborts.
 */
export function folderSize(path: string, within_ms: number, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { timeout: within_ms, killSignal: 'SIGKILL' as const, signal };
    execFile('nice', ['-n', '19', 'du', '-skx', '--', path], options, (error, stdout) => {
      // It gives a figure, and fails, where it may not look into some folder.
      const kilobytes = /^(\d+)\s/.exec(stdout)?.[1];
      if (kilobytes !== undefined) resolve(Number(kilobytes) * 1024);
      else if (signal.aborted || !error || error.code === 'ENOENT') reject(error ?? new Error('du gave no figure.'));
      else resolve(error.killed === true ? Infinity : 0);
    });
  });
}
