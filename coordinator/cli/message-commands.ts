import { Hear } from '../../protocol/task.ts';
import type { WaitingMessage } from '../../protocol/messages.ts';
import type { Client } from '../client/client.ts';
import { findTask } from '../client/find.ts';
import { clientCommand } from './client-command.ts';
import { given, JSON_OPTION } from './command.ts';
import { EXIT } from './exit.ts';
import { OR_STDIN, print, printJson, printRows, readText } from './io.ts';
import { oneLine } from './render/text.ts';
import { UsageFailure } from './usage-failure.ts';

/** When a message is to be heard, as an option. */
export const AFTER_TURN_OPTION = {
  type: 'boolean',
  help: 'hear it when the agent ends its turn, not at its next tool call',
} as const;

const HEARD: Record<Hear, string> = { next_call: 'at the next tool call', after_turn: 'after the turn' };

export const messages = clientCommand({
  name: 'messages',
  operands: ['ID'],
  summary: 'List the messages that an errand has not heard yet',
  options: { json: JSON_OPTION },
  run: async ({ values, operands: [id] }, io, open) => {
    const client = await open();
    const { items } = await client.call('listMessages', { params: { id: await findTask(client, id) } });
    if (values.json === true) for (const item of items) printJson(io, item);
    else if (items.length === 0) print(io, [['No message waits to be heard.']]);
    else
      printRows(
        io,
        items.map((item) => [
          ['bold', item.id],
          ['dim', item.taken ? 'is being heard' : `heard ${HEARD[item.hear]}`],
          oneLine(item.text, 80),
        ]),
      );
    return EXIT.succeeded;
  },
});

export const reword = clientCommand({
  name: 'reword',
  operands: ['ID', 'MESSAGE', '[TEXT]'],
  summary: `Change a message to an errand, until it has heard it; ${OR_STDIN}`,
  options: {
    'after-turn': AFTER_TURN_OPTION,
    now: { type: 'boolean', help: 'hear it at the next tool call' },
  },
  run: async ({ values, operands: [id, named, typed] }, io, open) => {
    if (values['after-turn'] && values.now) throw new UsageFailure('Give either --after-turn or --now.');
    const hear = values['after-turn'] ? Hear.enum.after_turn : values.now ? Hear.enum.next_call : undefined;
    if (typed === undefined && hear === undefined) throw new UsageFailure('Give a TEXT, --after-turn or --now.');
    const text = typed === undefined ? undefined : await readText(io, typed);
    const client = await open();
    const task_id = await findTask(client, id);
    const message = await findWaiting(client, task_id, named);
    const params = { id: task_id, message_id: message.id };
    const changed = await client.call('patchMessage', {
      params,
      body: { revision: message.revision, ...given({ text, hear }) },
    });
    print(io, [[`Changed. It is heard ${HEARD[changed.hear]}.`]]);
    return EXIT.succeeded;
  },
});

export const unsay = clientCommand({
  name: 'unsay',
  operands: ['ID', 'MESSAGE'],
  summary: 'Take back a message to an errand, until it has heard it',
  options: {},
  run: async ({ operands: [id, named] }, io, open) => {
    const client = await open();
    const task_id = await findTask(client, id);
    const message = await findWaiting(client, task_id, named);
    await client.call('deleteMessage', { params: { id: task_id, message_id: message.id } });
    print(io, [['Taken back.']]);
    return EXIT.succeeded;
  },
});

/** The waiting message that an id, or the beginning or end of one, names. */
async function findWaiting(client: Client, id: string, named: string): Promise<WaitingMessage> {
  const { items } = await client.call('listMessages', { params: { id } });
  const found = items.filter((item) => item.id.startsWith(named) || item.id.endsWith(named));
  const [message] = found;
  if (message && found.length === 1) return message;
  throw new UsageFailure(
    found.length > 1
      ? `'${named}' names several messages: give more of the id.`
      : `No message '${named}' waits: the agent has heard it, or it was taken back. \`errand messages ${id}\` lists those that wait.`,
  );
}
