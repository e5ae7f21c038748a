import { join } from 'node:path';
import test from 'ava';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { logErrands } from '../../../coordinator/operations/log-errands.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { addTask, addUser, endTask, runTask } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';
import { openTestDatabase } from '../../support/test-database.ts';

test('the log says at info how an attempt and its errand ended, and nothing of what it is about', async (t) => {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const lines: string[] = [];
  logErrands(log, createLogger('info', { write: (line) => void lines.push(line) }));
  const { id } = addTask(log, addUser(log), { prompt: 'the secret plan' });
  runTask(log, id);
  endTask(log, id, 'failed');
  const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  t.deepEqual(
    logged.map(({ msg, level, task_id, attempt }) => [msg, level, task_id, attempt]),
    ['attempt ended', 'errand ended'].map((msg) => [msg, 30, id, 1]),
  );
  t.like(logged[1], { status: 'failed', reason: 'turn_limit' });
  t.false(lines.join('').includes('secret plan'));
});
