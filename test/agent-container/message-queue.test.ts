import test from 'ava';
import { MessageQueue } from '../../agent-container/message-queue.ts';
import { newId } from '../../protocol/ids.ts';
import type { Message } from '../../protocol/worker-schemas.ts';
import { until } from '../support/until.ts';

const message = (text: string): Message => ({ id: newId(), text, at: new Date().toISOString() });

test('a message that comes while a withdrawn one is being taken is an arrival', async (t) => {
  const [withdrawn, other] = [message('no'), message('yes')];
  const queue = new MessageQueue(async ([id]) => {
    if (id !== withdrawn.id) return [other];
    queue.put([other]);
    return [];
  });
  queue.put([withdrawn]);
  await queue.arrived(AbortSignal.timeout(10_000));
  t.deepEqual(await queue.take(false), [other]);
});

test('a note of the server is no arrival, and is given out with the message of a person that comes after it', async (t) => {
  const [note, early, answer] = [message('[Errand] a.test may be reached now.'), message('[Errand] b'), message('yes')];
  const sent = [note, early, answer];
  const taken: string[] = [];
  const queue = new MessageQueue(async (ids) => {
    taken.push(...ids);
    return sent.filter(({ id }) => ids.includes(id));
  });
  queue.put([early]);
  t.true(await queue.areWaiting(), 'it was taken before anybody waits for an answer');
  let has_arrived = false;
  const arrived = queue.arrived(AbortSignal.timeout(10_000)).then(() => (has_arrived = true));
  queue.put([note]);
  await until('the note is taken', () => taken.includes(note.id));
  t.false(has_arrived);
  queue.put([answer]);
  await arrived;
  t.deepEqual(await queue.take(false), [early, note, answer]);
});
