/*
 * A program for tests of backups under load: it writes events to the data folder of its first argument as fast as it
 * can, and prints the newest id on disk after each batch. Like the server it makes copies for backups.
 */
import { join } from 'node:path';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { CopyService } from '../../coordinator/operations/backup/copy-service.ts';
import { readKeys } from '../../coordinator/base/keys.ts';
import { openDatabase } from '../../coordinator/sqlite/open-database.ts';
import { addTask, addUser, startAttempt } from './fixtures.ts';
import { SILENT } from './silent.ts';

const [data_dir = ''] = process.argv.slice(2);
const BODY = JSON.stringify({ level: 'info', text: 'x'.repeat(200) });
const EVENTS_AT_ONCE = 50;

readKeys(data_dir);
const log = new EventLog({ db: openDatabase(join(data_dir, 'errand.db')), logger: SILENT });
await new CopyService({ db: log.db, data_dir, logger: SILENT }).start();
const user_id = addUser(log);
const { id: task_id, created_at: at } = addTask(log, user_id);
startAttempt(log, task_id);
for (let seq = 1; ;) {
  const written = Array.from({ length: EVENTS_AT_ONCE }, () =>
    log.enqueue((tx) => tx.append({ task_id, user_id, attempt: 1, seq: seq++, type: 'log', at, body: BODY })),
  );
  process.stdout.write(`${(await Promise.all(written)).at(-1)?.id}\n`);
}
