import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { newId } from '../../../protocol/ids.ts';
import { DONE, textOf } from '../../support/agent-script.ts';
import { bench } from '../../support/agent-work.ts';
import type { Turn } from '../../support/model/server.ts';

const ASK: Turn = {
  tools: [{ name: 'ask_person', input: { question: 'Shall I write b?', options: ['Go ahead', 'Stop here'] } }],
};
const EDIT: Turn = { tools: [{ name: 'edit_file', input: { path: 'a.txt', old_text: 'a', new_text: 'b' } }] };
const WRITE: Turn = { tools: [{ name: 'write_file', input: { path: 'a.txt', content: 'b\n' } }] };

/** A bench whose repository has a file, the file's text, and the errors of calls so far. */
async function scene(t: ExecutionContext, script: Turn[]) {
  const b = await bench(t, { script });
  const path = join(b.repo_dir, 'a.txt');
  await writeFile(path, 'a\n');
  return { b, text: () => readFile(path, 'utf8'), errors: () => b.of('tool.finished').map(({ is_error }) => is_error) };
}

test('the model is told of a plan only where the person wants one first', async (t) => {
  for (const plan_first of [true, undefined]) {
    const { b } = await scene(t, [DONE]);
    t.is((await b.run({ plan_first, park_after_ms: 60_000 })).status, 'succeeded');
    t.is(/# First a plan.*# The task/.test(textOf(b.model.requests[0]?.body)), plan_first === true);
  }
});

test('no file is edited before the person has answered the plan, and then the work goes on as usual', async (t) => {
  const { b, text, errors } = await scene(t, [EDIT, WRITE, ASK, EDIT, DONE]);
  const ending = b.run({ plan_first: true, park_after_ms: 60_000 });
  await b.event('question.asked');
  t.deepEqual(errors(), [true, true]);
  t.is(await text(), 'a\n');
  t.regex(textOf(b.model.requests[1]?.body), /wants to see a plan/);
  b.messages.say('Go ahead');
  t.is((await ending).status, 'succeeded');
  t.deepEqual(errors(), [true, true, false, false]);
  t.is(await text(), 'b\n');
});

test('a plan that is answered after its worker has gone is not asked for again', async (t) => {
  const { b, text, errors } = await scene(t, [ASK, EDIT, DONE]);
  const assignment = { plan_first: true, park_after_ms: 1 };
  t.is((await b.run(assignment)).status, 'parked');
  b.messages.say('Go ahead');
  t.is((await b.run(assignment)).status, 'succeeded');
  t.deepEqual(errors(), [false, false]);
  t.is(await text(), 'b\n');
  t.is(b.of('conversation.started').length, 1);
});

test('a message in place of an answer lets the work begin', async (t) => {
  const { b, text } = await scene(t, [EDIT, DONE]);
  b.messages.say('No plan, please: just do it.');
  t.is((await b.run({ plan_first: true, park_after_ms: 60_000 })).status, 'succeeded');
  t.is(await text(), 'b\n');
});

test('files of the errand and notes of the server are no word on the plan', async (t) => {
  const { b, text, errors } = await scene(t, [EDIT, EDIT, DONE]);
  const file = { id: newId(), name: 'notes.txt', media_type: 'text/plain', bytes: 2, width: null, height: null };
  b.files.set(file.id, Buffer.from('c\n'));
  b.messages.say('[Errand] example.org stays blocked.');
  await b.run({ plan_first: true, park_after_ms: 60_000, attachments: [file] });
  t.is(b.of('input.added').filter(({ source }) => source === 'person').length, 2);
  t.deepEqual(errors(), [true, true]);
  t.is(await text(), 'a\n');
});

test('a model that ends without a plan has edited no file', async (t) => {
  const { b, text } = await scene(t, [EDIT, DONE]);
  t.is((await b.run({ plan_first: true, park_after_ms: 60_000 })).status, 'succeeded');
  t.is(await text(), 'a\n');
});

test('where a question may stay without an answer, no call waits for one', async (t) => {
  const { b, text } = await scene(t, [EDIT, DONE]);
  t.is((await b.run({ plan_first: true })).status, 'succeeded');
  t.is(await text(), 'b\n');
});
