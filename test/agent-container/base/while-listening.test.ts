import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { whileListening } from '../../../agent-container/base/while-listening.ts';
import { MessageQueue } from '../../../agent-container/message-queue.ts';
import { newId } from '../../../protocol/ids.ts';
import type { Message } from '../../../protocol/worker-schemas.ts';
import { until } from '../../support/until.ts';

const message = (text: string): Message => ({ id: newId(), text, at: new Date().toISOString() });

test('a message is not taken before it has waited: until then it can be changed and withdrawn', async (t) => {
  const queue = new MessageQueue(async () => {
    t.fail('taken');
    return [];
  });
  await whileListening(queue, 60_000, async () => {
    queue.put([message('Stop.')]);
    await nextTurn();
  });
  t.pass();
});

test('a message that was withdrawn while it waited is not heard, and the next one is', async (t) => {
  const [withdrawn, other] = [message('no'), message('yes')];
  const asked: string[] = [];
  const queue = new MessageQueue(async (ids) => {
    asked.push(...ids);
    return [other].filter(({ id }) => ids.includes(id));
  });
  await whileListening(queue, 1, async (waits) => {
    let is_heard = false;
    const heard = waits.then(() => (is_heard = true));
    queue.put([withdrawn]);
    await until('the coordinator was asked', () => asked.includes(withdrawn.id));
    await nextTurn();
    t.false(is_heard);
    queue.put([other]);
    await heard;
  });
  t.deepEqual(await queue.take(false), [other]);
});

test('a message that could not be taken is heard once it can be', async (t) => {
  const said = message('Stop.');
  let failures = 0;
  const queue = new MessageQueue(async () => {
    if (++failures < 3) throw new Error('503');
    return [said];
  });
  queue.put([said]);
  await whileListening(queue, 1, async (waits) => {
    let is_heard = false;
    void waits.then(() => (is_heard = true));
    await until('it is heard', () => is_heard, 5_000);
  });
  t.is(failures, 3);
});
