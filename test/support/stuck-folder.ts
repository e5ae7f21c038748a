import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/**
 * Puts a folder into the trash of a data folder that cannot be removed until it is freed, or the test ends. For root
 * it is the place of a mount; anybody else may not write to the trash.
 */
export function stuckFolder(t: ExecutionContext, data_dir: string): { name: string; free: () => void } {
  const [trash, name] = [join(data_dir, 'trash'), 'a-mount'];
  const stuck = join(trash, name);
  mkdirSync(stuck, { recursive: true });
  if (process.getuid?.() !== 0) {
    chmodSync(trash, 0o500);
    t.teardown(() => chmodSync(trash, 0o700));
    return { name, free: () => chmodSync(trash, 0o700) };
  }
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', stuck]);
  t.teardown(() => {
    if (existsSync(stuck)) execFileSync('umount', ['-l', stuck]);
  });
  return { name, free: () => void execFileSync('umount', [stuck]) };
}
