import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext, type ImplementationFn } from 'ava';
import { CuttableDisk, run } from './cuttable-disk.ts';

/* Disks for one test, which can be filled or made to fail. */

/** Declares a test, or skips it with the reason. In CI it is never skipped. */
const unlessNot =
  (can: boolean, why_not: string) =>
  (title: string, body: ImplementationFn<[]>): void =>
    process.env.CI === 'true' || can ? test(title, body) : test.skip(`${title} (skipped: ${why_not})`, body);

/** Whether this action works here, in a temporary folder. */
function can(act: (dir: string) => void): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'errand-mount-'));
  try {
    act(dir);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A test that needs a disk of its own: it takes root and the right to mount. */
export const diskTest = unlessNot(
  can((dir) => {
    run('mount', '-t', 'tmpfs', 'tmpfs', dir);
    run('umount', '-l', dir);
  }),
  'nothing can be mounted here',
);

/** A test that needs a disk that can lose power. */
export const powerTest = unlessNot(
  can((dir) => {
    const disk = new CuttableDisk(dir, 4);
    disk.cut();
    disk.remove();
  }),
  'no disk can be made and shut down here',
);

/** Mounts a tmpfs of `mb` megabytes at `dir` until the test ends. Mounts inside it must be made later. */
export function mountDisk(t: ExecutionContext, dir: string, mb: number): string {
  mkdirSync(dir, { recursive: true });
  run('mount', '-t', 'tmpfs', '-o', `size=${mb}m`, 'tmpfs', dir);
  t.teardown(() => run('umount', '-l', dir));
  return dir;
}

/** Fills the disk of `dir` to the last byte; returns the function that frees the space. */
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
