import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isInFuture } from './name.ts';
import { writeAtomically } from './write-atomically.ts';

const State = z.object({
  /** The newest backup. `at`: the time it was taken. `took_ms`: how long the run took. */
  last_good: z.object({ at: z.iso.datetime(), name: z.string(), bytes: z.number(), took_ms: z.number() }).nullable(),
  /** The last run that failed, and why. It may be older than the last good one. */
  last_failure: z
    .object({ at: z.iso.datetime(), message: z.string() })
    .nullable()
    // Older versions wrote it in another form: it is forgotten, and the last good one is not.
    .catch(null),
});

/** The outcome of the last backups of a data folder, whoever started them. */
export type BackupState = z.infer<typeof State>;

const NONE: BackupState = { last_good: null, last_failure: null };
const pathOf = (data_dir: string): string => join(data_dir, 'backup.json');

/** Reads `backup.json` of the data folder. Never throws: without a readable file no backup is known. */
export function readBackupState(data_dir: string): BackupState {
  try {
    return State.parse(JSON.parse(readFileSync(pathOf(data_dir), 'utf8')));
  } catch {
    return NONE;
  }
}

/** Changes `backup.json` atomically. The caller holds the lock for backups. */
export async function updateBackupState(data_dir: string, change: Partial<BackupState>): Promise<void> {
  const state = { ...readBackupState(data_dir), ...change };
  await writeAtomically(pathOf(data_dir), `${JSON.stringify(state)}\n`);
}

/**
 * For `/readyz`: the age of the last good backup, and when a newer run failed. Strangers can read it: it does not say
 * why. Not `ok`: a newer run failed, there is no backup, it is older than twice the interval, or its age is unknown
 * because the clock was put back. `now_ms` is in milliseconds since 1970.
 */
export function backupCheck(state: BackupState, every_ms: number, now_ms: number): { ok: boolean; detail: string } {
  const { last_good, last_failure } = state;
  const good_ms = last_good === null ? -Infinity : Date.parse(last_good.at);
  const age_ms = now_ms - good_ms;
  // If the clock was put back, the order of the two is unknown: the failure is shown.
  const failed = last_failure !== null && (good_ms > now_ms || Date.parse(last_failure.at) >= good_ms);
  const failure = failed ? `; at ${last_failure.at} one failed: the server's log, or backup.json, says why` : '';
  const ok = !failed && !isInFuture(good_ms, now_ms) && age_ms <= 2 * every_ms;
  return { ok, detail: describe(last_good, now_ms) + failure };
}

function describe(last_good: BackupState['last_good'], now_ms: number): string {
  if (last_good === null) return 'there is no backup yet';
  const at_ms = Date.parse(last_good.at);
  return isInFuture(at_ms, now_ms)
    ? `the last good backup is dated in the future (${last_good.at}): check the clock`
    : `the last good backup is ${formatAge(now_ms - at_ms)} old`;
}

function formatAge(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
