import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { backupCheck } from '../../../coordinator/operations/backup/state.ts';
import { DiskSpace } from '../../../coordinator/operations/disk-space.ts';
import { readReadiness } from '../../../coordinator/operations/readiness.ts';
import { DispatchGate } from '../../../coordinator/tasks/dispatch-gate.ts';
import { Trash } from '../../../coordinator/workers/trash.ts';
import { checkWords } from '../../../coordinator/web/app/settings/check-words.ts';
import { speakOfScreens } from '../../../coordinator/web/strings/screen-strings.ts';
import { KeyWatch } from '../../../coordinator/worker-api/model/key-watch.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { stuckFolder } from '../../support/stuck-folder.ts';
import { until } from '../../support/until.ts';

const MINUTE_MS = 60_000;
const NOW = Date.now();
const SILENT = createLogger('silent');

/** How the check of backups ends whose newest one is so old; null: there is none. */
function backupOf(age_ms: number | null) {
  const at = new Date(NOW - (age_ms ?? 0)).toISOString();
  const last_good = age_ms === null ? null : { at, name: 'a', bytes: 1, took_ms: 1 };
  return backupCheck({ last_good, last_failure: null }, MINUTE_MS, NOW);
}

/** A trash with a folder that cannot be removed. */
async function stuckTrash(t: ExecutionContext, data_dir: string): Promise<Trash> {
  stuckFolder(t, data_dir);
  const trash = new Trash(data_dir);
  await trash.empty();
  return trash;
}

test('the app has a name and words of its own in each language for what the server says of its parts', async (t) => {
  const dir = await temporaryFolder(t);
  const db = openTestDatabase(join(dir, 'errand.db'));
  t.teardown(() => db.close());
  const well = new DispatchGate(SILENT);
  const ill = new DispatchGate(SILENT);
  const disk = new DiskSpace({ dir, free_bytes_min: 2 ** 60, gate: ill, logger: SILENT });
  await disk.check();
  const keys = new KeyWatch(ill, async () => false);
  keys.doubt();
  t.teardown(() => keys.close());
  ill.set('database', 'damaged');
  await until('the key is refused', () => ill.of('model'));
  const trash = await stuckTrash(t, dir);
  const workers = { runner: 'docker', start_fault: () => null, isolation: () => 'was tried', images: () => undefined };
  const offered = { ok: true, detail: '2 beside the default' };
  const base = { ...workers, db, gate: well, model: 'the demo model' };
  const free_bytes = 2 ** 30;
  const states = await Promise.all([
    readReadiness({
      ...base,
      disk: { free_bytes, reserve: { ready: true, low: false } },
      trash: { fault: null },
      backup: () => backupOf(MINUTE_MS),
    }),
    readReadiness({
      ...base,
      images: () => offered,
      runner: 'process',
      isolation: () => 'none: process',
      disk: { free_bytes, reserve: { ready: true, low: true } },
      trash: { fault: null },
      backup: () => backupOf(300 * MINUTE_MS),
    }),
    readReadiness({
      ...base,
      gate: ill,
      disk: { free_bytes: undefined, reserve: { ready: false, low: true } },
      trash: { fault: null },
      backup: () => backupOf(10_000 * MINUTE_MS),
    }),
    readReadiness({
      ...base,
      disk,
      isolation: () => 'is being tried',
      trash,
      backup: () => backupOf(null),
    }),
  ]);
  const [en, de] = [(await speakOfScreens('en')).checks, (await speakOfScreens('de')).checks];
  for (const { checks } of states)
    for (const [check, { detail }] of Object.entries(checks)) {
      for (const strings of [en, de]) t.not(checkWords(check, detail, strings).name, check);
      t.not(checkWords(check, detail, de).words, detail, check);
    }
});

test('a check that the app does not know, and a fault of its own words, are shown as the server says them', async (t) => {
  const { checks } = await speakOfScreens('de');
  t.deepEqual(checkWords('tides', 'are high', checks), { name: 'tides', words: 'are high' });
  t.deepEqual(checkWords('runner', 'Docker does not answer.', checks), {
    name: 'Worker',
    words: 'Docker does not answer.',
  });
});
