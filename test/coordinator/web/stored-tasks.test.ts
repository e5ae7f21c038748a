import 'fake-indexeddb/auto';
import test from 'ava';
import { Database } from '../../../coordinator/web/store/database.ts';
import { mirrorStorage } from '../../../coordinator/web/store/storage.ts';
import type { Task } from '../../../protocol/task.ts';

test('a window that is behind another one does not store an older state of an errand over a newer one', async (t) => {
  const [ahead, behind] = [mirrorStorage(new Database('windows')), mirrorStorage(new Database('windows'))];
  const task = (id: string, newest_event_id: number) =>
    ({ id, title: `at ${newest_event_id}`, newest_event_id }) as Task;
  await ahead.save({ cursor: 9, epoch: 'e', tasks: [task('a', 9)] });
  await behind.save({ cursor: 7, tasks: [task('a', 7), task('b', 7)] });
  t.like(await ahead.load(), { tasks: [{ title: 'at 9' }, { id: 'b' }] });
  await behind.save({ cursor: 9, tasks: [{ ...task('a', 9), unread: true }] });
  t.like(await ahead.load(), { tasks: [{ title: 'at 9', unread: true }, { id: 'b' }] });
  await behind.save({ forget: true });
  await behind.save({ cursor: 3, epoch: 'f', tasks: [task('a', 3)] });
  t.like(await ahead.load(), { tasks: [{ title: 'at 3' }] }, 'another database counts anew');
});
