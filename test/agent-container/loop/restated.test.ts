import sharp from 'sharp';
import test from 'ava';
import { newId } from '../../../protocol/ids.ts';
import { textOf } from '../../support/agent-script.ts';
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
