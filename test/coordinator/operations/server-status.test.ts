import { join } from 'node:path';
import test from 'ava';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { readConfig } from '../../../coordinator/base/config.ts';
import { ServerStatus } from '../../../coordinator/operations/server-status.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { temporaryFolder } from '../../support/folder.ts';

test('samples are kept for one day', async (t) => {
  const data_dir = await temporaryFolder(t);
  const db = openTestDatabase(join(data_dir, 'errand.db'));
  t.teardown(() => db.close());
  let now = Date.parse('2026-11-28T10:00:00Z');
  const status = new ServerStatus({
    db,
    config: readConfig({ ERRAND_DATA: data_dir }),
    gate: { fault: null },
    workers: () => ({ warm: 0, at_work: 2 }),
    backup: () => ({ succeeded_at: null, failed_at: null, every_minutes: 60 }),
    logger: createLogger('silent'),
    now: () => now,
  });
  for (let n = 0; n < 300; n++, now += 300_000) await status.sample();
  const { samples, backup } = await status.read();
  t.is(samples.length, 288);
  t.like(samples.at(-1), { at: new Date(now - 300_000).toISOString(), at_work: 2, queued: 0 });
  t.deepEqual(backup, { succeeded_at: null, failed_at: null, every_minutes: 60 });
});
