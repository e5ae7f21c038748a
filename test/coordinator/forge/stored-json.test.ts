import test from 'ava';
import { readComment, readEvent } from '../../../coordinator/forge/stored-json.ts';

const author = { id: '1', login: 'ada', name: null, email: null, bot: false };
const comment = { id: '1', author, body: 'x', created_at: '2026-01-01T00:00:00Z', url: '', review: null };

test('a stored comment is read back; one of another shape is none', (t) => {
  t.deepEqual(readComment(JSON.stringify(comment)), comment);
  t.is(readComment(null), null);
  for (const other of [{ ...comment, author: 'ada' }, { ...comment, review: { path: 'a.txt' } }, [], 'x', 1, null])
    t.is(readComment(JSON.stringify(other)), null, JSON.stringify(other));
});

test('a stored event of another shape is refused', (t) => {
  const repository = { id: '1', owner: 'ada', name: 'demo', clone_url: 'x', default_branch: 'main' };
  const common = { delivery_id: '1', at: null, repository, sender: author };
  const event = { ...common, type: 'comment', number: 1, is_pull: false, comment };
  t.deepEqual(readEvent(JSON.stringify(event)), event);
  for (const other of [{ ...event, number: 'one' }, { ...event, type: 'unknown' }, common, [], null])
    t.throws(() => readEvent(JSON.stringify(other)), undefined, JSON.stringify(other));
});
