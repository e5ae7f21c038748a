import type { Task } from '../../../protocol/task.ts';
import type { Client } from '../client.ts';
import type { Entry } from './outbox-entry.ts';

/**
 * Sends the action of an entry. Resolves with what is still to be seen of it, or with null if nothing is. `onTask`: the
 * server returned a task.
 */
export async function sendAction(
  client: Client,
  { key, action }: Entry,
  onTask: (task: Task) => Promise<void>,
): Promise<Pick<Entry, 'message_id' | 'event_id' | 'done'> | null> {
  const once = { idempotency_key: key, once: true };
  if (action.do === 'send') {
    await onTask(await client.call('createTask', { body: action.body }, once));
    return null;
  }
  const { task_id: id } = action;
  switch (action.do) {
    case 'say': {
      const sent = await client.call('createMessage', { params: { id }, body: action.body }, once);
      const { message_id, event_id } = sent;
      return { message_id, ...(event_id !== undefined && { event_id }) };
    }
    case 'reword': {
      const params = { id, message_id: action.message_id };
      await client.call('patchMessage', { params, body: action.body }, once);
      return null;
    }
    case 'unsay':
      await client.call('deleteMessage', { params: { id, message_id: action.message_id } }, once);
      return null;
    case 'answer':
      await client.call('answerNeed', { params: { id, need_id: action.need_id }, body: action.body }, once);
      return { done: true };
    case 'stop':
      await onTask(await client.call('cancelTask', { params: { id } }, once));
      return null;
    case 'retry': {
      const { budget_usd } = action;
      const body = budget_usd === undefined ? {} : { budget_usd };
      await onTask(await client.call('retryTask', { params: { id }, body }, once));
      return null;
    }
    case 'archive':
      await onTask(await client.call('patchTask', { params: { id }, body: { archived: action.archived } }, once));
      return null;
  }
}
