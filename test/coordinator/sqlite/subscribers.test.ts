import { join } from 'node:path';
import test from 'ava';
import { openTestDatabase } from '../../support/test-database.ts';
import { advanceSubscriberCursor, findSubscriberCursor } from '../../../coordinator/sqlite/subscribers.ts';
import { temporaryFolder } from '../../support/folder.ts';

const [FIRST, LATER] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'];

test("a subscriber's cursor is kept under its name, across a restart", async (t) => {
  const path = join(await temporaryFolder(t), 'errand.db');
  const first = openTestDatabase(path);
  t.is(findSubscriberCursor(first, 'push'), undefined);
  t.true(advanceSubscriberCursor(first, 'push', 0, FIRST));
  t.true(advanceSubscriberCursor(first, 'push', 7, LATER));
  t.true(advanceSubscriberCursor(first, 'forge', 3, FIRST));
  first.close();
  const db = openTestDatabase(path);
  t.teardown(() => db.close());
  t.is(findSubscriberCursor(db, 'push'), 7);
  t.is(findSubscriberCursor(db, 'forge'), 3);
});

test('a cursor never moves back', async (t) => {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  advanceSubscriberCursor(db, 'push', 7, FIRST);
  t.false(advanceSubscriberCursor(db, 'push', 6, LATER));
  t.false(advanceSubscriberCursor(db, 'push', 7, LATER));
  t.deepEqual(db.prepare('SELECT * FROM subscribers').all(), [{ name: 'push', cursor: 7, updated_at: FIRST }]);
});
