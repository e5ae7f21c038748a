import type { Readiness } from '../../protocol/server-info.ts';
import type { RunnerName } from '../../protocol/task.ts';
import type { DiskSpace } from './disk-space.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Db } from '../sqlite/database.ts';
import { checkReadable } from '../sqlite/meta.ts';
import { WAL_BYTES } from '../sqlite/wal-room.ts';

type ReadinessDependencies = {
  db: Db;
  gate: Pick<DispatchGate, 'of'>;
  disk: Pick<DiskSpace, 'free_bytes' | 'reserve'>;
  runner: RunnerName;
  /** Why no worker starts, although the runner is well. */
  start_fault: () => string | null;
  /** How far the workers' isolation was tried, for people. */
  isolation: () => string;
  /** Whether workers can have the images that projects name; undefined: they name none. */
  images: () => Check | undefined;
  trash: { readonly fault: string | null };
  model: string;
  /** Checks the backups; undefined: backups are off. */
  backup: (() => Check) | undefined;
};

type Check = Readiness['checks'][string];

/** Reports for each part whether it works. Never rejects. */
export async function readReadiness(deps: ReadinessDependencies): Promise<Readiness> {
  const { db, gate, disk, runner, start_fault, isolation, images, trash, model, backup } = deps;
  const checkOf = (fault: string | null, detail: string): Check => ({ ok: fault === null, detail: fault ?? detail });
  const free = disk.free_bytes === undefined ? 'unknown' : `${Math.floor(disk.free_bytes / 1024 / 1024)} MB free`;
  const checks: Readiness['checks'] = {
    database: checkOf(readFault(db, gate), 'answers'),
    disk: checkOf(gate.of('disk'), free),
    runner: checkOf(gate.of('runner') ?? start_fault(), runner),
    isolation: checkOf(gate.of('isolation'), isolation()),
    model: checkOf(gate.of('model'), model),
  };
  const ready = Object.values(checks).every(({ ok }) => ok);
  const offered = images();
  // A failed backup, a folder that cannot be removed or an image of some projects does not make the server unready.
  const others = {
    ...(offered && { images: offered }),
    reserve: readReserve(disk),
    removal: checkOf(trash.fault, 'nothing is left'),
    ...(backup && { backup: backup() }),
  };
  return { ready, checks: { ...checks, ...others } };
}

/** Whether cancels and log-ins will work, or do, while the disk is full. */
function readReserve({ reserve: { ready, low } }: ReadinessDependencies['disk']): Check {
  if (low)
    return {
      ok: false,
      detail: `the disk is full: ${ready ? 'only cancels, log-ins and reading work' : 'there is no reserve for cancels'}`,
    };
  if (!ready) return { ok: false, detail: 'there is no space for the reserve: cancels would not work on a full disk' };
  return { ok: true, detail: `${Math.floor(WAL_BYTES / 1024 / 1024)} MB for cancels and log-ins on a full disk` };
}

/** Why the database cannot be used, or null. The text is public, so it does not contain the path. */
function readFault(db: Db, gate: ReadinessDependencies['gate']): string | null {
  if (gate.of('database') !== null) return "is damaged: see the server's log for details and the fix";
  try {
    checkReadable(db);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'failed';
  }
}
