import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { until } from '../../support/until.ts';
import type { Fault } from '../fault.ts';

const PROGRAM = fileURLToPath(new URL('../../../coordinator/operations/admin/main.ts', import.meta.url));

const TRIES_MAX = 10;
/** How long another fault may keep the disk full. */
const FULL_MS_MAX = 30_000;

export const BACKUP_FAULTS: Fault[] = [
  {
    name: 'backup: killed while it runs, then run again',
    outcome: 'errands continue; the backup has all events acknowledged before it and can be restored',
    inject: async (scene, random) => {
      const dir = await mkdtemp(join(tmpdir(), 'errand-chaos-backup-'));
      scene.afterwards.push(() => rm(dir, { recursive: true, force: true }));
      const env = { PATH: process.env['PATH'], ERRAND_BACKUP_TO: join(dir, 'backups') };
      const wanted = random.whole(1, 3);
      let kills = 0;
      // A backup that has ended was not killed: the next one gets less time.
      for (let tries = 1; kills < wanted && tries <= TRIES_MAX && (await scene.moment(random)); tries++) {
        const killed = spawn(process.execPath, [PROGRAM, 'backup'], { env: { ...env, ERRAND_DATA: scene.data_dir } });
        await delay(random.whole(50, Math.round(1_500 / tries)));
        if (killed.exitCode !== null) continue;
        killed.kill('SIGKILL');
        await once(killed, 'exit');
        kills++;
      }
      if (kills === 0) return false;
      const acknowledged = scene.phones[1]?.events.at(-1)?.id ?? 0;
      const run = (command: string, ERRAND_DATA: string) =>
        promisify(execFile)(process.execPath, [PROGRAM, command], { env: { ...env, ERRAND_DATA } });
      if (!(await isMade(() => run('backup', scene.data_dir)))) return false;
      await run('restore', join(dir, 'data'));
      const db = new Database(join(dir, 'data', 'errand.db'), { readonly: true });
      const ids = db
        .prepare<[number], number>('SELECT id FROM events WHERE id <= ? ORDER BY id')
        .pluck()
        .all(acknowledged);
      db.close();
      if (!ids.every((id, i) => id === i + 1) || ids.length !== acknowledged)
        throw new Error(`The backup has ${ids.length} of the ${acknowledged} events acknowledged before it.`);
      return true;
    },
  },
];

/**
 * Whether a backup was made. It copies the database to the same disk first: while another fault keeps that full it is
 * refused, and always where the disk is too small for both.
 */
async function isMade(backUp: () => Promise<unknown>): Promise<boolean> {
  const tried = await until('a backup is made', () => tryOnce(backUp), FULL_MS_MAX);
  return tried === 'made';
}

/** Undefined: the disk is full, for now. */
async function tryOnce(backUp: () => Promise<unknown>): Promise<'made' | 'no room' | undefined> {
  try {
    await backUp();
    return 'made';
  } catch (error) {
    if (String(error).includes('has no room for a backup')) return 'no room';
    if (!String(error).includes('disk is full')) throw error;
    return undefined;
  }
}
