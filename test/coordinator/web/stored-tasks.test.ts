import 'fake-indexeddb/auto';
import test from 'ava';
import { Database } from '../../../coordinator/web/store/database.ts';
import { mirrorStorage } from '../../../coordinator/web/store/storage.ts';
import type { Task } from '../../../protocol/task.ts';

const task = (id: string, newest_event_id: number) => ({ id, title: `at ${newest_event_id}`, newest_event_id }) as Task;

test('a window that is behind another one does not store an older state of an errand over a newer one', async (t) => {
  const [ahead, behind] = [mirrorStorage(new Database('windows')), mirrorStorage(new Database('windows'))];
  await ahead.save({ cursor: 9, epoch: 'e', tasks: [task('a', 9)] });
  await behind.save({ cursor: 7, tasks: [task('a', 7), task('b', 10)] });
  t.like(await ahead.load(), { tasks: [{ title: 'at 9' }, { id: 'b' }] });
  await behind.save({ cursor: 9, tasks: [{ ...task('a', 9), unread: true }] });
  t.like(await ahead.load(), { tasks: [{ title: 'at 9', unread: true }, { id: 'b' }] });
  await behind.save({ forget: true });
  await behind.save({ cursor: 3, epoch: 'f', tasks: [task('a', 3)] });
  t.like(await ahead.load(), { tasks: [{ title: 'at 3' }] }, 'another database counts anew');
});

test('a window that is behind another one does not bring back an errand that was deleted', async (t) => {
  const [ahead, behind] = [mirrorStorage(new Database('deleted')), mirrorStorage(new Database('deleted'))];
  await ahead.save({ cursor: 7, epoch: 'e', tasks: [task('a', 7), task('d', 7)] });
  await ahead.save({ deleted: ['d'] });
  await ahead.save({ cursor: 9, tasks: [task('a', 9)] });
  await behind.save({ cursor: 8, tasks: [task('d', 8), task('new', 10)] });
  await behind.save({ tasks: [task('older', 1)], older: 'next' });
  t.deepEqual((await ahead.load())?.tasks.map(({ id }) => id).sort(), ['a', 'new', 'older']);
});

test('the list of a server whose log went back takes the place of what is stored', async (t) => {
  const storage = mirrorStorage(new Database('went back'));
  await storage.save({ cursor: 9, epoch: 'e', tasks: [task('a', 9)] });
  await storage.save({ cursor: 5, epoch: 'e', older: null, tasks: [task('a', 5), task('b', 4)], went_back: true });
  t.like(await storage.load(), { cursor: 5, tasks: [{ title: 'at 5' }, { title: 'at 4' }] });
});

test('a list that starts over in one window is stored whole, though another window has had it already', async (t) => {
  const [ahead, behind] = [mirrorStorage(new Database('over')), mirrorStorage(new Database('over'))];
  await ahead.save({ cursor: 9, epoch: 'e', tasks: [task('a', 7), task('b', 9)] });
  await behind.save({ cursor: 0, removed: ['a', 'b'] });
  await behind.save({ cursor: 0, tasks: [task('a', 7)] });
  await ahead.save({ cursor: 9 });
  await behind.save({ cursor: 0, tasks: [task('b', 9)] });
  t.like(await ahead.load(), { cursor: 0, tasks: [{ id: 'a' }, { id: 'b' }] });
  await behind.save({ cursor: 9 });
  t.like(await ahead.load(), { cursor: 9, tasks: [{ id: 'a' }, { id: 'b' }] });
});
