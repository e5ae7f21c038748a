import { join } from 'node:path';
import test from 'ava';
import { EventLog } from '../../../../coordinator/sqlite/event-log.ts';
import { openDatabase } from '../../../../coordinator/sqlite/open-database.ts';
import { addHeldTask, approvePush, dataFolder, serverCommands } from '../../../support/backups.ts';
import { addUser } from '../../../support/fixtures.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { SILENT } from '../../../support/silent.ts';

test('a restore says what becomes of each errand whose workspace is gone', async (t) => {
  const [data_dir, path] = [await dataFolder(t), await temporaryFolder(t)];
  const db = openDatabase(join(data_dir, 'errand.db'));
  const log = new EventLog({ db, logger: SILENT });
  const user_id = addUser(log);
  const [held, approved] = [
    addHeldTask(log, user_id, 'errand-000000held'),
    addHeldTask(log, user_id, 'errand-000000appr'),
  ];
  approvePush(log, user_id, approved);
  db.close();
  const server = await serverCommands(t, data_dir, { kind: 'folder', path });
  await server.run('backup');
  const { stdout } = await server.run('restore');
  t.regex(
    stdout,
    new RegExp(`^The work of these errands waited to be pushed, and is lost: .*\n  ${held}  Fix it$`, 'm'),
  );
  t.regex(
    stdout,
    new RegExp(
      `^The work of these errands was approved but not pushed yet, and is lost: .*\n  ${approved}  Fix it$`,
      'm',
    ),
  );
  t.regex(stdout, /make again what is missing, and ask before they push it\.$/m);
});
