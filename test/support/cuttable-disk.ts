import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Runs a program. Throws if it fails. */
export function run(command: string, ...args: string[]): void {
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
