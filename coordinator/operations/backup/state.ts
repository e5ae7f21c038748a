import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeDurably } from './write-durably.ts';
import { isAhead } from './name.ts';

const Failure = z.object({ at: z.iso.datetime(), words: z.string() });
const State = z.object({
  /** `at`: of which moment the newest backup is that was kept. `took_ms`: how long the run took that made it. */
  last_good: z.object({ at: z.iso.datetime(), name: z.string(), bytes: z.number(), took_ms: z.number() }).nullable(),
  /** The last run that made none, and why. It may be older than the last good one. */
  last_failure: Failure.nullable(),
});

/** What became of the last backups of a data folder, whoever started them. */
export type BackupState = z.infer<typeof State>;

const NONE: BackupState = { last_good: null, last_failure: null };
const pathOf = (data_dir: string): string => join(data_dir, 'backup.json');

/** Reads `backup.json` of the data folder. Never throws: where it says nothing, nothing is known. */
export function readBackupState(data_dir: string): BackupState {
  try {
    return State.parse(JSON.parse(readFileSync(pathOf(data_dir), 'utf8')));
  } catch {
    return NONE;
  }
}

/** Changes `backup.json`: whoever reads it finds the old one or the new one. Only whoever holds the backups' lock may do so. */
export async function updateBackupState(data_dir: string, change: Partial<BackupState>): Promise<void> {
  const state = { ...readBackupState(data_dir), ...change };
  await writeDurably(pathOf(data_dir), `${JSON.stringify(state)}\n`);
}

/**
 * For `/readyz`: how old the last good backup is, and when a newer one failed; strangers read it, so why is not in it. Not `ok`: it is older than twice
 * the interval, its age is not known since the clock was put back, or there is none. `now_ms` is in milliseconds since 1970.
 */
export function backupCheck(state: BackupState, every_ms: number, now_ms: number): { ok: boolean; detail: string } {
  const { last_good, last_failure } = state;
  const good_ms = last_good === null ? -Infinity : Date.parse(last_good.at);
  const age_ms = now_ms - good_ms;
  const ahead = isAhead(good_ms, now_ms);
  // By a clock that was put back nobody can tell which of the two came first.
  const failed = last_failure !== null && (good_ms > now_ms || Date.parse(last_failure.at) >= good_ms);
  const failure = failed ? `; at ${last_failure.at} one failed: the server's log, or backup.json, says why` : '';
  return { ok: !ahead && age_ms <= 2 * every_ms, detail: goodOf(last_good, now_ms) + failure };
}

function goodOf(last_good: BackupState['last_good'], now_ms: number): string {
  if (last_good === null) return 'there is no backup yet';
  const at_ms = Date.parse(last_good.at);
  return isAhead(at_ms, now_ms)
    ? `the last good backup is of ${last_good.at}, by a clock that ran ahead`
    : `the last good backup is ${ageOf(now_ms - at_ms)} old`;
}

function ageOf(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
