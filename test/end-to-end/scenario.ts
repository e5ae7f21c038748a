import type { Fault, ModelOptions, MessagesRequest, Turn } from '../support/model/server.ts';

/** A small repository whose tests fail. */
export const BROKEN = {
  'package.json': '{ "name": "adder", "type": "module", "scripts": { "test": "node --test" } }\n',
  'add.js': 'export const add = (a, b) => a - b;\n',
  'add.test.js': [
    "import { test } from 'node:test';",
    "import assert from 'node:assert';",
    "import { add } from './add.js';",
    "test('adds', () => assert.equal(add(2, 3), 5));",
    '',
  ].join('\n'),
};

const run = (command: string): Turn => ({ tools: [{ name: 'run_command', input: { command } }] });

/** Reads, tests, edits, tests again, and ends with a summary. */
export const MEND: Turn[] = [
  { text: 'I look at the code.', tools: [{ name: 'read_file', input: { path: 'add.js' } }] },
  run('node --test'),
  { tools: [{ name: 'edit_file', input: { path: 'add.js', old_text: 'a - b', new_text: 'a + b' } }] },
  run('node --test'),
  { text: 'Add what is to be added\n\nThe minus sign was a slip; the tests pass now.' },
];

/** How many turns of the model this conversation has. */
export function turnOf(request: MessagesRequest): number {
  return request.messages.filter((message) => message.role === 'assistant').length;
}

/** The whole conversation as one text. */
export function textOf(request: MessagesRequest): string {
  return JSON.stringify(request.messages);
}

/** A model that plays `turns` in each conversation separately, so that several errands may run at once. */
export function byConversation(turns: Turn[] | ((request: MessagesRequest) => Turn | Fault)): ModelOptions {
  return {
    handler: (request) => {
      const turn = typeof turns === 'function' ? turns(request) : turns[turnOf(request)];
      if (!turn) throw new Error(`The conversation wants a turn more than its ${turnOf(request)}.`);
      return turn;
    },
  };
}
