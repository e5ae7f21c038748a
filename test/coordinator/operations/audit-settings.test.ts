import { join } from 'node:path';
import test from 'ava';
import { readConfig } from '../../../coordinator/base/config.ts';
import { readKeys } from '../../../coordinator/base/keys.ts';
import { auditSettings } from '../../../coordinator/operations/audit-settings.ts';
import { listAudit } from '../../../coordinator/sqlite/audit.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { findSettings, putSettings } from '../../../coordinator/sqlite/meta.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';

test('a start with other settings is recorded with what changed, and no secret is, in the log or beside it', async (t) => {
  const dir = await temporaryFolder(t);
  const db = openTestDatabase(join(dir, 'errand.db'));
  t.teardown(() => db.close());
  const [log, keys] = [new EventLog({ db, logger: SILENT }), readKeys(dir)];
  const startWith = (env: Record<string, string>) =>
    auditSettings({ log, keys, config: readConfig({ ERRAND_DATA: dir, ...env }), logger: SILENT });
  const entries = () => listAudit(db, { after: 0, limit: 100 });

  const secrets = {
    ANTHROPIC_API_KEY: 'sk-ant-sesame',
    ERRAND_GIT_TOKEN: 'ghp_sesame',
    ERRAND_METRICS_TOKEN: 'sesame-sesame-sesame',
    HTTPS_PROXY: 'http://ann:sesame@proxy.example:3128',
    ERRAND_BACKUP_TO: 's3://bucket/prefix',
    AWS_ACCESS_KEY_ID: 'sesame',
    AWS_SECRET_ACCESS_KEY: 'sesame',
  };
  startWith(secrets);
  startWith(secrets);
  t.deepEqual(
    entries().map(({ detail }) => detail),
    [{ first: true }],
  );
  startWith({ ...secrets, ERRAND_SIGNUP: 'open', ERRAND_GIT_TOKEN: 'ghp_sesame2' });
  t.deepEqual(entries()[1]?.detail, { changed: { signup: ['closed', 'open'], git_token: 'is secret' } });
  startWith({});
  t.is(entries().length, 3);
  const stored = JSON.stringify([db.prepare('SELECT * FROM meta').all(), db.prepare('SELECT * FROM audit').all()]);
  t.false(stored.includes('sesame'));
});

test('a setting that a newer version adds, and that is not set, is no change', async (t) => {
  const dir = await temporaryFolder(t);
  const db = openTestDatabase(join(dir, 'errand.db'));
  t.teardown(() => db.close());
  const [log, keys] = [new EventLog({ db, logger: SILENT }), readKeys(dir)];
  const start = () => auditSettings({ log, keys, config: readConfig({ ERRAND_DATA: dir }), logger: SILENT });
  start();
  const { domain, ...older } = JSON.parse(findSettings(db) ?? '') as Record<string, unknown>;
  t.is(domain, null);
  putSettings(db, JSON.stringify(older));
  start();
  t.is(listAudit(db, { after: 0, limit: 100 }).length, 1);
});
