import { join } from 'node:path';
import test from 'ava';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import type { EventRow } from '../../../coordinator/sqlite/events.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { addTask, addUser } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Random } from '../../support/random.ts';
import { SILENT } from '../../support/silent.ts';

test('whichever works of a group throw, before or after they wrote, the others are stored once, in order', async (t) => {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const commits: EventRow[] = [];
  log.subscribeToAll((rows) => commits.push(...rows));
  const user_id = addUser(log);
  const { id: task_id, created_at: at } = addTask(log, user_id);
  const event = { task_id, user_id, attempt: 1, seq: null, type: 'log', at };
  const random = new Random(3);
  const [kept, effects]: [string[], string[]] = [[], []];
  for (let group = 0; group < 30; group++) {
    const works = Array.from({ length: random.whole(1, 12) }, (_, i) => {
      const [text, fault] = [`${group}.${i}`, random.pick(['none', 'none', 'none', 'before', 'after'])];
      if (fault === 'none') kept.push(text);
      return log.enqueue((tx) => {
        if (fault === 'before') throw new Error(text);
        tx.afterCommit(() => effects.push(text));
        for (const part of ['a', 'b']) tx.append({ ...event, body: `"${text}${part}"` });
        if (fault === 'after') throw new Error(text);
        return text;
      });
    });
    const results = await Promise.allSettled(works);
    const values = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    t.deepEqual(
      values,
      kept.filter((text) => text.startsWith(`${group}.`)),
    );
  }
  const rows = kept.flatMap((text) => [`"${text}a"`, `"${text}b"`]);
  const stored = db.prepare<[], EventRow>('SELECT * FROM events ORDER BY id').all();
  t.deepEqual(
    stored.map(({ body }) => body),
    rows,
  );
  t.deepEqual([commits, effects], [stored, kept]);
});
