import test from 'ava';
import { MessageQueue } from '../../agent-container/message-queue.ts';
import { newId } from '../../protocol/ids.ts';
import type { Message } from '../../protocol/worker-schemas.ts';

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
