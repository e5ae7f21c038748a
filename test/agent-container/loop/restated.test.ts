import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import test from 'ava';
import { newId } from '../../../protocol/ids.ts';
import { run, textOf } from '../../support/agent-script.ts';
import type { Bench } from '../../support/agent-work.ts';
import { longBench, reading } from '../../support/long-conversation.ts';

/* What the model is told again after a summary. */

const requestAfter = (b: Bench) =>
  b.model.requests.map(({ body }) => body).find((body) => body?.messages[0]?.content[0]?.type === 'compaction');

function attached(b: Bench, name: string, bytes: Buffer) {
  const id = newId();
  b.files.set(id, bytes);
  return { id, name, media_type: 'application/octet-stream', bytes: bytes.length, width: null, height: null };
}

test('after a summary the model reads again what the task is, what the person said since, and its plan', async (t) => {
  const plan = { name: 'update_plan', input: { items: [{ text: 'Find the cause', status: 'in_progress' }] } };
  const turn = reading(16);
  const b = await longBench(t, (request) =>
    request.messages.length === 1 ? { text: 'NEXT 1', tools: [plan] } : turn(request),
  );
  const picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  b.messages.say('Mind the tabs.', { attachments: [attached(b, 'shot.png', picture)] });
  t.is((await b.run({ prompt: 'Fix the "sum" of żółw.' })).status, 'succeeded');
  const after = requestAfter(b);
  t.regex(textOf(after), /# The task\\n\\nFix the \\"sum\\" of żółw\./);
  t.regex(textOf(after), /Mind the tabs\./);
  t.notRegex(textOf(after), /"type":"image"/);
  t.regex(
    textOf(after),
    /shot\.png \(\d+ bytes\), a picture\. It is shown once, as it comes: read_file shows it again/,
  );
  t.regex(textOf(after), /Find the cause \(in progress\)/);
  t.regex(textOf(after), /# What is left\\n\\nFrom now on you have 1 min, \d\d turns/);
});

test('what a summary leaves out of very long messages of the person is in a file', async (t) => {
  const b = await longBench(t, reading(16));
  const words = (what: string) => `${what} first\n${`${what} more\n`.repeat(3_000)}${what} last`;
  for (const what of ['one', 'two', 'three']) b.messages.say(words(what));
  t.is((await b.run()).status, 'succeeded');
  const [, path = ''] = /The whole of these messages is in (\S+):/.exec(textOf(requestAfter(b))) ?? [];
  t.is(await readFile(path, 'utf8'), ['one', 'two', 'three'].map(words).join('\n\n'));
  t.is(dirname(path), b.scratch_dir);
});

test('after a summary the model reads where its shell is, and which commands run in the background', async (t) => {
  const turn = reading(16);
  const tools = [run('mkdir sub && cd sub'), run('sleep 300', { background: true })];
  const b = await longBench(t, (request) =>
    request.messages.length === 1 ? { text: 'NEXT 1', tools } : turn(request),
  );
  t.is((await b.run()).status, 'succeeded');
  const shown = /# Your shell\\n\\n(.*?)\\n\\n/.exec(textOf(requestAfter(b)))?.[1];
  const log = join(b.scratch_dir, 'attempt-1-command-2.log');
  const background = `These commands run in the background:\\n- attempt-1-command-2, with its output, in ${log}`;
  t.is(shown, `The working folder is sub.\\n${background}`);
});
