import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext, type ImplementationFn } from 'ava';

/* Disks for one test, which can be filled or made to fail. */

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** ext4's shutdown ioctl (xfstests' `godown`): no more reads or writes; unsynced data is lost. */
const SHUT_DOWN =
  'open(my $dir, "<", $ARGV[0]) or die $!; my $no_log_flush = pack("L", 2); ioctl($dir, 0x8004587D, $no_log_flush) or die $!';

/** An ext4 disk in a file below `folder` that can lose power: unsynced data is then lost. */
export class CuttableDisk {
  readonly dir: string;
  readonly #image: string;

  constructor(folder: string, mb: number) {
    this.dir = join(folder, 'disk');
    this.#image = join(folder, 'image');
    mkdirSync(this.dir, { recursive: true });
    writeFileSync(this.#image, '');
    truncateSync(this.#image, mb * 1024 * 1024);
    run('mkfs.ext4', '-q', '-m', '0', this.#image);
    this.mount();
  }

  mount(): void {
    run('mount', '-o', 'loop', this.#image, this.dir);
  }

  cut(): void {
    run('perl', '-e', SHUT_DOWN, this.dir);
  }

  remove(): void {
    run('umount', '-l', this.dir);
  }
}

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
