import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { bench, type Bench } from '../../support/agent-work.ts';
import type { MessagesRequest, Turn } from '../../support/model/server.ts';

const answered = ({ messages }: MessagesRequest) => messages.filter(({ role }) => role === 'assistant').length;
const run = (command: string, more = {}): Turn => ({ tools: [{ name: 'run_command', input: { command, ...more } }] });
const notes = (b: Bench) =>
  b.of('input.added').flatMap(({ text }) => (text.startsWith('[Errand] A new worker') ? [text] : []));
const outputs = (b: Bench) => b.of('tool.finished').map(({ content }) => String(content[0]?.['text']));

/** Plays the story, and then ends the turn at each request. */
const tell = (story: Turn[]) => ({
  handler: (request: MessagesRequest) => story[answered(request)] ?? { text: 'Done.' },
});

test('a model whose worker was replaced is told once what of its shell is gone', async (t) => {
  const b = await bench(
    t,
    tell([
      run('cd "dir/in it" && export A=1'),
      run('sleep 300', { background: true }),
      { text: 'Done.' },
      { text: 'Done.' },
      run('echo "<$A>"; pwd'),
      run('sleep 400', { background: 'true' }),
      { text: 'Done again.' },
      { text: 'Done again.' },
      { text: 'Nothing to do.' },
      run('pwd'),
    ]),
  );
  await mkdir(join(b.repo_dir, 'dir/in it'), { recursive: true });
  await b.run();
  t.deepEqual(notes(b), []);
  b.messages.say('Go on.');
  await b.run();
  const [first] = notes(b);
  t.is(notes(b).length, 1);
  t.true(first?.startsWith('[Errand] A new worker goes on from here, with a new shell.\n'));
  t.true(first?.includes('The working folder is dir/in it. The variables that you exported are gone.\n'));
  t.true(first?.endsWith('their ids are void:\n- sleep 300'));
  // What it is told is true.
  t.true(outputs(b).some((text) => text.startsWith(`<>\n${b.repo_dir}/dir/in it\n`)));

  b.messages.say('Once more.');
  await b.run();
  t.true(notes(b)[1]?.endsWith('their ids are void:\n- sleep 400'));
  // In that attempt no command ran, so there is nothing new to tell.
  b.messages.say('And again.');
  await b.run();
  t.is(notes(b).length, 2);
  const ids = outputs(b).flatMap((text) => /as (\S+)\. Its output/.exec(text)?.[1] ?? []);
  t.is(ids.length, 2);
  t.is(new Set(ids).size, 2);
});

test('a command that a message had moved to the background is named too', async (t) => {
  const b = await bench(t, tell([run('true'), run('sleep 300'), { text: 'Done.' }]));
  const ending = b.run({}, { message_wait_ms: 1 });
  await b.event('tool.started', ({ body }) => JSON.stringify(body.input).includes('sleep 300'));
  b.messages.say('Never mind.');
  await ending;
  b.messages.say('Go on.');
  await b.run();
  t.true(notes(b)[0]?.endsWith('their ids are void:\n- sleep 300'));
});

test('a model that has used no shell is told nothing', async (t) => {
  const b = await bench(t, tell([{ tools: [{ name: 'list_files', input: {} }] }, { text: 'Done.' }]));
  await b.run();
  b.messages.say('Go on.');
  await b.run();
  t.deepEqual(notes(b), []);
});

test('a working folder that is gone is not restored, and the model is told where it is', async (t) => {
  const b = await bench(t, tell([run('mkdir -p x/y && cd x/y && rmdir ../y'), { text: 'Done.' }, run('pwd')]));
  await b.run();
  b.messages.say('Go on.');
  await b.run();
  t.true(notes(b)[0]?.includes('The working folder is the root of the repository.'));
  t.true(outputs(b).at(-1)?.startsWith(`${b.repo_dir}\n`));
});

test('the command during which the worker died is named', async (t) => {
  const both = [run('kill -9 $PPID'), run('echo never')].flatMap(({ tools = [] }) => tools);
  const b = await bench(t, tell([{ tools: both }]));
  await b.run();
  // All that the first attempt could report.
  b.events.splice(b.events.findIndex(({ type }) => type === 'tool.started') + 1);
  await b.run();
  const [interrupted, not_executed] = outputs(b);
  t.regex(
    interrupted ?? '',
    /^Interrupted: the worker died while this command ran: kill -9 \$PPID\n.*do not repeat it/,
  );
  t.regex(not_executed ?? '', /^Not executed/);
});
