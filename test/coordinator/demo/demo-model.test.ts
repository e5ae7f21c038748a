import { execFile } from 'node:child_process';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import Anthropic, { NotFoundError } from '@anthropic-ai/sdk';
import type { BetaMessage, BetaMessageParam, BetaToolUseBlock } from '@anthropic-ai/sdk/resources/beta/messages';
import test, { type ExecutionContext } from 'ava';
import { startDemoModel } from '../../../coordinator/demo/demo-model.ts';
import { temporaryFolder } from '../../support/folder.ts';

const SAMPLE = join(import.meta.dirname, '../../../coordinator/demo/sample-repository');
const NAMES = [
  'read_file',
  'write_file',
  'edit_file',
  'run_command',
  'search',
  'list_files',
  'update_plan',
  'ask_person',
];
const TOOLS = NAMES.map((name) => ({ name, input_schema: { type: 'object' as const } }));

/** A minimal implementation of the agent's tools. */
async function use(folder: string, { name, input }: BetaToolUseBlock): Promise<string> {
  const { path = '', content = '', old_text = '', new_text = '', command = '' } = input as Record<string, string>;
  const file = join(folder, path);
  const numbered = (text: string) =>
    text
      .replace(/\n$/, '')
      .split('\n')
      .map((line, i) => `${i + 1}\t${line}`)
      .join('\n');
  if (name === 'list_files') return (await readdir(folder)).join('\n');
  if (name === 'read_file') return numbered(await readFile(file, 'utf8'));
  if (name === 'run_command') return await run(folder, command);
  if (name === 'write_file') await writeFile(file, content);
  if (name !== 'edit_file') return 'Done.';
  const text = await readFile(file, 'utf8');
  if (text.split(old_text).length !== 2) throw new Error('old_text must occur exactly once.');
  await writeFile(
    file,
    text.replace(old_text, () => new_text),
  );
  return 'Edited.';
}

function run(cwd: string, command: string): Promise<string> {
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
  const env = { ...rest, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], { cwd, env }, (error, stdout, stderr) => {
      resolve(`${stdout}${stderr}\n[exit code ${error ? String(error.code) : '0'}]`);
    });
  });
}

type Errand = { folder: string; turns: BetaMessage[]; messages: BetaMessageParam[]; summary: string };

/** Runs an agent loop with the demo model until it ends. `say` returns the user's message after the given turn. */
async function errand(
  folder: string,
  prompt: string,
  say: (turn: number) => string | undefined = () => undefined,
  before: BetaMessageParam[] = [],
): Promise<Errand> {
  const demo = await startDemoModel({ pace_ms: 0 });
  const client = new Anthropic({ apiKey: 'none', baseURL: demo.base_url });
  const messages: BetaMessageParam[] = [...before, { role: 'user', content: prompt }];
  const turns: BetaMessage[] = [];
  try {
    for (;;) {
      const message = await client.beta.messages
        .stream({ model: 'demo', max_tokens: 8000, tools: TOOLS, messages })
        .finalMessage();
      turns.push(message);
      messages.push({ role: 'assistant', content: message.content });
      const calls = message.content.filter((block) => block.type === 'tool_use');
      const summary = message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
      if (message.stop_reason !== 'tool_use') return { folder, turns, messages, summary };
      if (turns.length > 20) throw new Error('The demo model did not end after 20 turns.');
      const results = await Promise.all(
        calls.map(async (call) => {
          const result = { type: 'tool_result' as const, tool_use_id: call.id };
          return use(folder, call).then(
            (content) => ({ ...result, content }),
            (error: unknown) => ({ ...result, content: String(error), is_error: true }),
          );
        }),
      );
      const text = say(turns.length);
      messages.push({ role: 'user', content: [...results, ...(text ? [{ type: 'text' as const, text }] : [])] });
    }
  } finally {
    await demo.close();
  }
}

async function sample(t: ExecutionContext): Promise<string> {
  const folder = await temporaryFolder(t);
  await cp(SAMPLE, folder, { recursive: true });
  return folder;
}

const used = ({ turns }: Errand) =>
  turns.flatMap(({ content }) => content.flatMap((block) => (block.type === 'tool_use' ? [block.name] : [])));

test('fixes the sample: reads, runs the tests, edits, runs them again', async (t) => {
  const folder = await sample(t);
  const done = await errand(folder, 'One test fails. Find out why, and fix the code, not the test.');
  t.deepEqual(
    used(done).filter((name) => name !== 'update_plan'),
    [
      'list_files',
      ...Array<string>(3).fill('read_file'),
      'run_command',
      ...Array<string>(2).fill('read_file'),
      'edit_file',
      'run_command',
    ],
  );
  t.true((await run(folder, 'npm test')).includes('fail 0'));
  t.regex(done.summary, /no cent is lost where the bill does not divide/);
  t.regex(done.summary, /I am the demo model/);
  const plan = done.turns
    .flatMap(({ content }) => content)
    .findLast((block) => block.type === 'tool_use' && block.name === 'update_plan');
  t.notRegex(JSON.stringify(plan), /pending|in_progress/);
  t.is(
    await readFile(join(folder, 'test/split-bill.test.js'), 'utf8'),
    await readFile(join(SAMPLE, 'test/split-bill.test.js'), 'utf8'),
  );
});

test('follows messages during the run and after it', async (t) => {
  const folder = await sample(t);
  const first = await errand(folder, 'Fix it.', (turn) =>
    turn === 2 ? 'Please also mention that tips are not included in the README.' : undefined,
  );
  const readme = () => readFile(join(folder, 'README.md'), 'utf8');
  t.regex(await readme(), /\n\nTips are not included\.\n$/);
  t.regex(first.summary, /Tips are not included/);
  t.true(first.turns.some(({ content }) => JSON.stringify(content).includes('I have read your message')));
  t.true((await run(folder, 'npm test')).includes('fail 0'));
  const again = 'And add "Made at the table" to the README';
  const second = await errand(folder, again, undefined, first.messages);
  t.deepEqual(used(second), ['edit_file']);
  t.regex(await readme(), /\n\nTips are not included\.\n\nMade at the table\.\n$/);
});

test('asks with a plan before it fixes the sample where one is wanted, and changes nothing where it is stopped', async (t) => {
  const prompt = 'The facts.\n\n# First a plan\n\nAsk for it.\n\n# The task\n\nFix it.';
  for (const [answer, is_fixed] of [
    ['Go ahead', true],
    ['Stop here', false],
  ] as const) {
    const done = await errand(await sample(t), prompt, (turn) => (turn === 6 ? answer : undefined));
    const steps = used(done).filter((name) => name === 'ask_person' || name === 'edit_file');
    t.deepEqual(steps, is_fixed ? ['ask_person', 'edit_file'] : ['ask_person']);
    t.regex(done.summary, is_fixed ? /^Fixed/ : /changed nothing/);
  }
});

test('depends only on the conversation, so that another server can resume', async (t) => {
  const { messages } = await errand(await sample(t), 'Fix it.', (turn) =>
    turn === 3 ? 'Mention the tips in the README' : undefined,
  );
  const demo = await startDemoModel({ pace_ms: 0 });
  t.teardown(demo.close);
  const client = new Anthropic({ apiKey: 'none', baseURL: demo.base_url });
  const withoutIds = (content: unknown) => JSON.stringify(content).replaceAll(/toolu_demo_\w+/g, 'id');
  for (const [i, { role, content }] of messages.entries()) {
    if (role !== 'assistant') continue;
    const again = await client.beta.messages
      .stream({ model: 'demo', max_tokens: 8000, tools: TOOLS, messages: messages.slice(0, i) })
      .finalMessage();
    t.is(withoutIds(again.content), withoutIds(content));
  }
});

test('explains itself on any other repository and changes nothing', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'package.json'), '{"name": "mine", "scripts": {"test": "node --test"}}');
  const done = await errand(folder, 'Rewrite it in Rust.');
  t.deepEqual(used(done), ['list_files', 'read_file']);
  t.regex(done.summary, /changed nothing.*demo model.*ANTHROPIC_API_KEY/s);
  t.deepEqual(await readdir(folder), ['package.json']);
  const requested = await errand(folder, 'Mention that this is a trial in the README');
  t.regex(requested.summary, /This is a trial/);
  t.is(await readFile(join(folder, 'README.md'), 'utf8'), 'This is a trial.\n');
});

test('gives up on a sample with unknown code and says so', async (t) => {
  const folder = await sample(t);
  await writeFile(join(folder, 'src/split-bill.js'), 'export const splitBill = () => [];\n');
  const done = await errand(folder, 'Fix it.');
  t.regex(done.summary, /could not fix this/);
  t.false(used(done).includes('edit_file'));
});

test('accepts only its own model name, streams at its pace and counts tokens', async (t) => {
  const demo = await startDemoModel({ pace_ms: 5 });
  t.teardown(demo.close);
  const client = new Anthropic({ apiKey: 'none', baseURL: demo.base_url });
  const ask = { max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hi' }] };
  await t.throwsAsync(client.beta.messages.create({ ...ask, model: 'claude-sonnet-5-5' }), {
    instanceOf: NotFoundError,
  });
  const begun = performance.now();
  const pieces: string[] = [];
  const stream = client.beta.messages.stream({ ...ask, model: 'demo' }).on('text', (text) => pieces.push(text));
  const message = await stream.finalMessage();
  t.true(pieces.length > 10);
  t.true(performance.now() - begun >= pieces.length * 4);
  t.regex(pieces.join(''), /was not given all of them/);
  t.deepEqual(
    (await client.beta.messages.create({ ...ask, model: 'demo' })).content.map(({ type }) => type),
    ['text'],
  );
  t.true((await client.beta.messages.countTokens({ ...ask, model: 'demo', messages: ask.messages })).input_tokens > 0);
  t.true(message.usage.output_tokens > 0);
});
