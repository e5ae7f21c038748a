import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext, type ImplementationFn } from 'ava';

/* Disks of a test's own, which can be filled up, or made to fail. */

/** Whether a small disk can be made: it takes root, and the right to mount. */
function canMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'errand-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', dir], { stdio: 'ignore' });
    execFileSync('umount', ['-l', dir]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** A test that needs a disk of its own. In CI it is never skipped: there it fails. */
export const diskTest = (title: string, body: ImplementationFn<[]>): void =>
  process.env.CI === 'true' || canMount()
    ? test(title, body)
    : test.skip(`${title} (skipped: nothing can be mounted here)`, body);

/** Puts a disk of so many megabytes at `dir`; it goes with the test. What is stacked upon it must be mounted later. */
export function mountDisk(t: ExecutionContext, dir: string, mb: number): string {
  mkdirSync(dir, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mb}m`, 'tmpfs', dir]);
  t.teardown(() => execFileSync('umount', ['-l', dir]));
  return dir;
}

/** Fills the disk below `dir` to the last byte, and gives what makes room again. */
export function fillDisk(dir: string): () => void {
  const path = join(dir, 'filling');
  const file = openSync(path, 'a');
  for (let bytes = 1024 * 1024; bytes >= 1; bytes = Math.floor(bytes / 16))
    try {
      for (;;) writeSync(file, Buffer.alloc(bytes, 1));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  closeSync(file);
  return () => rmSync(path);
}
