import { appendFileSync } from 'node:fs';
import { openDatabase } from '../../coordinator/sqlite/open-database.ts';
import { DurableSubscriber } from '../../coordinator/sqlite/durable-subscriber.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { SILENT } from './silent.ts';

/*
 * A program with a durable subscriber that appends the ids of its events to a file. It writes EVENTS events itself and
 * runs until it is killed: `durable-writer.ts DATABASE FILE TASK_ID USER_ID EVENTS`.
 */
const [database = '', file = '', task_id = '', user_id = '', events = '0'] = process.argv.slice(2);
const log = new EventLog({ db: openDatabase(database), logger: SILENT });
const subscriber = new DurableSubscriber({
  log,
  logger: SILENT,
  name: 'writer',
  types: ['task.budget'],
  handle: async ({ id }) => {
    await new Promise((resolve) => setImmediate(resolve));
    appendFileSync(file, `${id}\n`);
  },
});
subscriber.start();
// Keeps the process alive when there is nothing to write.
setInterval(() => undefined, 1_000);
for (let n = 1; n <= Number(events); n++)
  await log.enqueue((tx) => {
    const task = { id: task_id, user_id, attempt: 1 };
    const at = new Date().toISOString();
    tx.note(task, { type: 'task.budget', body: { budget_usd: n } }, at);
    tx.note(task, { type: 'message.received', body: { message_id: task_id, text: 'not subscribed' } }, at);
  });
