import { statfs } from 'node:fs/promises';
import type { Readiness } from '../protocol/api.ts';
import { sql, type Db } from './sqlite/database.ts';

const MB = 1024 * 1024;
/** With less room than this on the data folder's disk the server does not call itself ready. */
const DISK_FREE_BYTES_MIN = 200 * MB;

type Deps = {
  db: Db;
  data_dir: string;
  /** What keeps workers from being started, or null. */
  runnerFault: () => string | null;
  runner: 'docker' | 'process';
  model: string;
  /** How the backups are; undefined: none are made. */
  backup: (() => Check) | undefined;
};

type Check = Readiness['checks'][string];

/** Asks each part whether it can do its work. Never rejects. */
export async function readReadiness({ db, data_dir, runnerFault, runner, model, backup }: Deps): Promise<Readiness> {
  const fault = runnerFault();
  const checks: Readiness['checks'] = {
    database: check(() => {
      sql(db, 'SELECT 1').get();
      return 'answers';
    }),
    disk: await diskCheck(data_dir),
    runner: fault === null ? { ok: true, detail: runner } : { ok: false, detail: fault },
    model: { ok: true, detail: model },
  };
  const ready = Object.values(checks).every(({ ok }) => ok);
  // It serves without backups, too.
  return { ready, checks: backup ? { ...checks, backup: backup() } : checks };
}

function check(look: () => string): { ok: boolean; detail: string } {
  try {
    return { ok: true, detail: look() };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : 'failed' };
  }
}

async function diskCheck(data_dir: string): Promise<{ ok: boolean; detail: string }> {
  try {
    const { bavail, bsize } = await statfs(data_dir);
    const free = bavail * bsize;
    return { ok: free >= DISK_FREE_BYTES_MIN, detail: `${Math.floor(free / MB)} MB free` };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : 'failed' };
  }
}
