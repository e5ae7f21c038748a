import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext, type ImplementationFn } from 'ava';
import { temporaryFolder } from './folder.ts';

/* Disks that can be filled up: it takes root, and the right to mount. */

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
export function diskTest(title: string, body: ImplementationFn<[]>): void {
  if (process.env.CI === 'true' || canMount()) test(title, body);
  else test.skip(`${title} (skipped: nothing can be mounted here)`, body);
}

/** Mounts a disk of this many bytes, and gives its folder. It goes with the test. */
export async function smallDisk(t: ExecutionContext, bytes: number): Promise<string> {
  const disk = join(await temporaryFolder(t), 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', disk]);
  t.teardown(() => execFileSync('umount', ['-l', disk]));
  return disk;
}
