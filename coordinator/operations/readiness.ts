import type { Readiness } from '../../protocol/api.ts';
import type { RunnerName } from '../../protocol/task.ts';
import type { DiskSpace } from './disk-space.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Db } from '../sqlite/database.ts';
import { checkReadable } from '../sqlite/meta.ts';

type Deps = {
  db: Db;
  gate: DispatchGate;
  disk: DiskSpace;
  runner: RunnerName;
  model: string;
  /** How the backups are; undefined: none are made. */
  backup: (() => Check) | undefined;
};

type Check = Readiness['checks'][string];

/** Says of each part whether it can do its work. Never rejects. */
export async function readReadiness({ db, gate, disk, runner, model, backup }: Deps): Promise<Readiness> {
  const unlessHeld = (fault: string | null, detail: string): Check => ({ ok: fault === null, detail: fault ?? detail });
  const free = disk.free_bytes === undefined ? 'unknown' : `${Math.floor(disk.free_bytes / 1024 / 1024)} MB free`;
  const checks: Readiness['checks'] = {
    database: unlessHeld(readFault(db, gate), 'answers'),
    disk: unlessHeld(gate.of('disk'), free),
    runner: unlessHeld(gate.of('runner'), runner),
    model: { ok: true, detail: model },
  };
  const ready = Object.values(checks).every(({ ok }) => ok);
  // It serves without backups, too.
  return { ready, checks: backup ? { ...checks, backup: backup() } : checks };
}

/** What keeps the database from being used, or null: in words that anyone may read, and so without its path. */
function readFault(db: Db, gate: DispatchGate): string | null {
  if (gate.of('database') !== null) return "is damaged: the server's log says how, and what to do";
  try {
    checkReadable(db);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'failed';
  }
}
