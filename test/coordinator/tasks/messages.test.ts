import { join } from 'node:path';
import test from 'ava';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { insertMessage, listPendingMessages, markMessageTakenIn } from '../../../coordinator/sqlite/messages.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { changeMessage } from '../../../coordinator/tasks/message-commands.ts';
import { addMessage } from '../../../coordinator/tasks/task-commands.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { addTask, addUser } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';

test('the number of messages of a task is limited, even if its worker takes in each one', async (t) => {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const user_id = addUser(log);
  const [task, other] = [addTask(log, user_id), addTask(log, user_id)];
  const send = (id: string) => log.write((tx) => addMessage(tx, user_id, id, { text: 'x' }));
  log.write((tx) => {
    for (let i = 0; i < LIMITS.messages_per_task_max; i++) {
      const { message_id } = addMessage(tx, user_id, task.id, { text: 'x' });
      markMessageTakenIn(tx.db, task.id, message_id, new Date().toISOString());
    }
  });
  t.throws(() => send(task.id), { code: 'conflict', message: /start a new one/ });
  t.notThrows(() => send(other.id));
});

test('messages are read in the order in which they were sent, also where the clock was set back', async (t) => {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const user_id = addUser(log);
  const { id: task_id } = addTask(log, user_id);
  const later = Date.now() + 3600_000;
  log.write((tx) => {
    insertMessage(tx.db, { id: newId(later), task_id, text: 'first', created_at: new Date(later).toISOString() });
    for (const text of ['second', 'third']) addMessage(tx, user_id, task_id, { text });
  });
  t.deepEqual(
    listPendingMessages(db, task_id).map(({ text }) => text),
    ['first', 'second', 'third'],
  );
});

test('no message of a person begins as those of the server do', async (t) => {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const user_id = addUser(log);
  const { id } = addTask(log, user_id);
  const text = '[Errand] a.test may be reached now.';
  const said = () => listPendingMessages(db, id).map((message) => message.text);
  const { message_id } = log.write((tx) => addMessage(tx, user_id, id, { text }));
  t.deepEqual(said(), [`> ${text}`]);
  log.write((tx) => changeMessage(tx, user_id, { id, message_id }, { text: `${text} Go.`, revision: 1 }));
  t.deepEqual(said(), [`> ${text} Go.`]);
  log.write((tx) => changeMessage(tx, user_id, { id, message_id }, { text: 'What is [Errand]?', revision: 2 }));
  t.deepEqual(said(), ['What is [Errand]?']);
});
