import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { MB, mountDisk } from '../disk.ts';
import type { Fault } from '../fault.ts';
import type { Scene } from '../scene.ts';

const run = promisify(execFile);
const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

const has = (command: string) =>
  run(command, ['--version']).then(
    () => undefined,
    () => `${command} is not there`,
  );
const isRoot = async () => (process.getuid?.() === 0 ? undefined : 'only root can mount a disk');

/** Fills the disk of a folder for a while. */
async function fill(dir: string, for_ms: number): Promise<void> {
  const path = join(dir, 'filling');
  await writeFile(path, Buffer.alloc(256 * MB, 1)).catch(() => undefined);
  await delay(for_ms);
  await rm(path, { force: true });
}

/** Where strace writes down the calls. */
const traceOf = ({ data_dir }: Scene): string => `${data_dir}.strace`;

/** Runs the coordinator under strace, which lets a system call fail or kills the process in it. */
function underStrace(scene: Scene, inject: string, ...options: string[]): void {
  scene.under = [
    'strace',
    ...options,
    // strace runs as a grandchild, so that the coordinator keeps its known pid.
    '-D',
    `-fqo${traceOf(scene)}`,
    '-etrace=fdatasync,fsync',
    `-einject=fdatasync,fsync:${inject}`,
  ];
  scene.afterwards.push(() => rm(traceOf(scene), { force: true }));
}

/** Whether strace has written that it failed, delayed or ended a call. */
const hasTraced = (scene: Scene, sign: RegExp): boolean =>
  existsSync(traceOf(scene)) && sign.test(readFileSync(traceOf(scene), 'utf8'));

/** Stops only at the traced calls; signals cannot be injected with it. */
const FAST = '--seccomp-bpf';

/** `sign`: what strace writes of the call that ends the coordinator. */
const dies =
  (sign: RegExp): Fault['inject'] =>
  async (scene) => {
    const died = () => scene.starts > 1 && hasTraced(scene, sign);
    if (!(await scene.happens('the coordinator died of it', died))) return false;
    await scene.up();
    return true;
  };

const jump = (name: string, by: string): Fault => ({
  name: `clock: ${name}`,
  outcome: 'leases use monotonic time: no attempt is lost; tokens are renewed',
  whyNot: async () => (existsSync(FAKETIME) ? undefined : 'libfaketime is not there'),
  prepare: async (scene) => {
    const file = join(scene.data_dir, 'clock');
    await writeFile(file, '+0');
    Object.assign(scene.env, {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    });
  },
  inject: async (scene, random) => {
    if (!(await scene.moment(random))) return false;
    await writeFile(join(scene.data_dir, 'clock'), by);
    await scene.logIn();
    return true;
  },
});

export const MACHINE_FAULTS: Fault[] = [
  {
    name: 'disk: full, at the database',
    outcome: 'callbacks are refused and retried; work continues when there is space, without a restart',
    whyNot: isRoot,
    prepare: async (scene) => {
      await mountDisk(scene, scene.data_dir, 48 * MB);
      // The disk is smaller than the default minimum of free space.
      scene.env['ERRAND_DISK_FREE_MB_MIN'] = '2';
      for (const dir of ['workspaces', 'workers']) await mountDisk(scene, join(scene.data_dir, dir), 512 * MB);
    },
    inject: async (scene, random) => {
      if (!(await scene.moment(random))) return false;
      await fill(scene.data_dir, random.whole(1_000, 3_000));
      return true;
    },
  },
  {
    name: 'database: locked by another program for some seconds',
    outcome: 'callbacks wait or are retried; nothing is lost',
    inject: async (scene, random) => {
      if (!(await scene.moment(random))) return false;
      const other = new Database(join(scene.data_dir, 'errand.db'), { timeout: 2_000 });
      other.exec('BEGIN IMMEDIATE');
      await delay(random.whole(1_000, 8_000));
      other.exec('ROLLBACK');
      other.close();
      return true;
    },
  },
  {
    name: 'disk: a failed fsync',
    outcome: 'nothing more is acknowledged; the process exits and is restarted',
    whyNot: () => has('strace'),
    prepare: (scene, random) => underStrace(scene, `error=EIO:when=${random.whole(20, 80)}+`, FAST),
    inject: dies(/INJECTED/),
  },
  {
    name: 'coordinator: kill -9 in the fsync of a commit',
    outcome: 'unacknowledged events are sent again and stored once',
    whyNot: () => has('strace'),
    prepare: (scene, random) => underStrace(scene, `signal=SIGKILL:when=${random.whole(20, 80)}`),
    // A call that never returned.
    inject: dies(/= \?$/m),
  },
  {
    name: 'disk: each fsync takes 50 ms',
    outcome: 'slower, nothing lost',
    whyNot: () => has('strace'),
    prepare: (scene) => underStrace(scene, 'delay_exit=50000', FAST),
    inject: (scene) => scene.happens('an fsync was slow', () => hasTraced(scene, /DELAYED/)),
  },
  jump('3 hours ahead', '+3h'),
  jump('2 hours back', '-2h'),
];
