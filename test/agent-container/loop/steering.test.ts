import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import test from 'ava';
import { newId } from '../../../protocol/ids.ts';
import { DONE, run, textOf } from '../../support/agent-script.ts';
import { bench } from '../../support/agent-work.ts';
import type { MessagesRequest } from '../../support/model/server.ts';
import { until } from '../../support/until.ts';

const texts = ({ messages }: MessagesRequest) => JSON.stringify(messages);
const modelOf = (request: MessagesRequest) => (request as unknown as { model: string }).model;

test('a message is heard after the tool calls in progress, or after the turn, as it says', async (t) => {
  let turn = 0;
  const b = await bench(t, {
    handler: () => {
      turn++;
      if (turn > 2) return { text: `Done ${turn}.` };
      return { tools: [{ name: 'run_command', input: { command: `echo ${turn}` } }] };
    },
  });
  b.messages.say('At the end.', { hear: 'after_turn' });
  b.messages.say('At once.', { hear: 'next_call' });
  t.is((await b.run()).status, 'succeeded');
  const requests = b.model.requests.map(({ body }) => texts(body as MessagesRequest));
  t.deepEqual(
    requests.map((text) => [text.includes('At once.'), text.includes('At the end.')]),
    [
      [true, false],
      [true, false],
      [true, false],
      [true, true],
    ],
  );
});

/** Which calls ran, and which were refused. */
const outcomes = (b: Awaited<ReturnType<typeof bench>>) =>
  b.of('tool.finished').map(({ name, is_error }) => [name, is_error ? 'refused' : 'ran']);

test('a message during a call comes before the calls behind it: they are refused', async (t) => {
  const b = await bench(t, {
    script: [
      { tools: [run('until [ -e ../said ]; do sleep 0.01; done'), run('touch migrated'), run('touch more')] },
      DONE,
    ],
  });
  const ending = b.run();
  await b.event('tool.started');
  b.messages.say('Stop, do not migrate!');
  await writeFile(join(b.repo_dir, '../said'), '');
  t.is((await ending).status, 'succeeded');
  t.deepEqual(await readdir(b.repo_dir), []);
  t.deepEqual(outcomes(b), [
    ['run_command', 'ran'],
    ['run_command', 'refused'],
    ['run_command', 'refused'],
  ]);
  t.regex(textOf(b.model.requests[1]?.body), /the person has written.*Stop, do not migrate!/);
});

test('a command that runs on when a message comes moves to the background, and the model hears both', async (t) => {
  const b = await bench(t, {
    script: [
      { tools: [run('echo begun; until [ -e go ]; do sleep 0.01; done; echo over; exit 3', { timeout_s: 1800 })] },
      (request) => {
        t.regex(textOf(request), /begun.*still runs, in the background as .*Is it still at it\?/s);
        return { tools: [run('touch go; sleep 0.5')] };
      },
      { tools: [run('true')] },
      DONE,
    ],
  });
  const ending = b.run({}, { message_wait_ms: 1 });
  await until('it has begun', () => b.deltas.some(({ kind, text }) => kind === 'output' && text.includes('begun')));
  b.messages.say('Is it still at it?');
  t.is((await ending).status, 'succeeded');
  const heard = b.events.findIndex(({ type }) => type === 'input.added');
  t.is(b.events.slice(0, heard).filter(({ type }) => type === 'tool.finished').length, 1);
  // Its output has another end now: a file, of which the model is told.
  t.false(b.deltas.some(({ text }) => text.includes('over')));
  t.regex(textOf(b.model.requests[2]?.body), /has ended \(exit code 3\).*begun.*over/s);
});

test('a model that ends while a command still runs that a message moved is told once', async (t) => {
  const b = await bench(t, {
    script: [
      { tools: [run('echo begun; until [ -e ../go ]; do sleep 0.01; done; echo over > lock')] },
      DONE,
      (request) => {
        t.regex(textOf(request), /still runs: \S+-1\. .*wait for it/s);
        return { tools: [run('touch ../go; until [ -e lock ]; do sleep 0.01; done')] };
      },
      DONE,
    ],
  });
  const ending = b.run({ verify_command: '[ "$(cat lock)" = over ]' }, { message_wait_ms: 1 });
  await until('it has begun', () => b.deltas.some(({ kind, text }) => kind === 'output' && text.includes('begun')));
  b.messages.say('Thank you.');
  t.is((await ending).status, 'succeeded');
  t.is(b.of('verify.finished').length, 1);
  t.is(b.of('input.added').filter(({ text }) => text.includes('still runs')).length, 1);
});

test('a command that a message moved, and that the model leaves running, does not keep it from ending', async (t) => {
  const b = await bench(t, { script: [{ tools: [run('echo begun; sleep 300')] }, DONE, DONE] });
  const ending = b.run({}, { message_wait_ms: 1 });
  await until('it has begun', () => b.deltas.some(({ kind, text }) => kind === 'output' && text.includes('begun')));
  b.messages.say('Thank you.');
  t.is((await ending).status, 'succeeded');
  t.is(b.model.requests.length, 3);
});

test('a message ends the verify command, which runs again after what the message asks for', async (t) => {
  const b = await bench(t, {
    script: [DONE, { tools: [run('touch ../asked')] }, DONE],
  });
  const verify_command = 'echo begun; until [ -e ../asked ]; do sleep 0.01; done';
  const ending = b.run({ verify_command }, { message_wait_ms: 1 });
  await b.event('step.started', ({ body }) => body.step === 'verify');
  b.messages.say('And this too.');
  t.is((await ending).status, 'succeeded');
  t.regex(textOf(b.model.requests[1]?.body), /And this too/);
  t.deepEqual(
    b.of('verify.finished').map(({ passed }) => passed),
    [true],
  );
  t.is(b.of('step.started').filter(({ step }) => step === 'verify').length, 2);
  t.regex(b.of('log')[0]?.text ?? '', /verify command was ended because a message came/);
});

test('a message while the model writes its answer comes before all calls that do more than read', async (t) => {
  const read = { name: 'list_files', input: { path: '.' } };
  const b = await bench(t, {
    script: [
      () => {
        b.messages.say('Stop!');
        return { tools: [read, run('touch a'), read] };
      },
      DONE,
    ],
  });
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(outcomes(b), [
    ['list_files', 'ran'],
    ['run_command', 'refused'],
    ['list_files', 'refused'],
  ]);
});

test('a call that the person asks for again and again is no loop', async (t) => {
  let times = 0;
  const b = await bench(t, {
    handler: () => {
      if (++times > 5) return DONE;
      b.messages.say(`Try again, ${times}.`);
      return { tools: [run('false')] };
    },
  });
  const end = await b.run();
  t.is(end.status, 'succeeded', end.detail ?? '');
  t.deepEqual([...new Set(b.of('input.added').map(({ source }) => source))], ['person']);
});

test('a message that is to be heard after the turn refuses no call', async (t) => {
  const b = await bench(t, {
    script: [
      () => {
        b.messages.say('Later.', { hear: 'after_turn' });
        return { tools: [run('true'), run('true')] };
      },
      DONE,
      DONE,
    ],
  });
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(outcomes(b), [
    ['run_command', 'ran'],
    ['run_command', 'ran'],
  ]);
});

test('a message that was to be heard after the turn continues a task that has ended', async (t) => {
  const b = await bench(t, { handler: () => ({ text: 'Done.' }) });
  await b.run();
  b.messages.say('Go on.', { hear: 'after_turn' });
  await b.run();
  t.true(texts(b.model.requests.at(-1)?.body as MessagesRequest).includes('Go on.'));
});

test('the model and effort of a message hold for the requests after it', async (t) => {
  const b = await bench(t, { handler: () => ({ text: 'Done.' }) });
  await b.run({ model: 'claude-sonnet-5-5', effort: 'low' });
  b.messages.say('Think.', { model: 'claude-opus-5-5', effort: 'max' });
  await b.run({ model: 'claude-sonnet-5-5', effort: 'low' });
  const bodies = b.model.requests.map(({ body }) => body as MessagesRequest & { output_config: { effort: string } });
  t.deepEqual(
    bodies.map((body) => [modelOf(body), body.output_config.effort]),
    [
      ['claude-sonnet-5-5', 'low'],
      ['claude-opus-5-5', 'max'],
    ],
  );
});

const file = (name: string, bytes: Buffer, media_type = 'application/octet-stream') => ({
  id: newId(),
  name,
  media_type,
  bytes: bytes.length,
  width: null,
  height: null,
});

test('the model sees attached pictures, scaled, and the paths of files, which are outside of the repository', async (t) => {
  const b = await bench(t, { handler: () => ({ text: 'Done.' }) });
  const picture = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const given: [string, Buffer][] = [
    ['shot.png', picture],
    ['../../repo/evil.sh', Buffer.from('rm -rf /')],
    ['.gitignore', Buffer.from('x')],
    ['bomb.png', Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(40, 0xff)])],
  ];
  const attachments = given.map(([name, bytes]) => file(name, bytes));
  for (const [i, { id }] of attachments.entries()) b.files.set(id, given[i]?.[1] ?? Buffer.alloc(0));
  const lost = file('lost.txt', Buffer.from('gone'));
  await b.run({ attachments: [...attachments, lost] });
  const sent = texts(b.model.requests[0]?.body as MessagesRequest);
  t.is(sent.match(/"type":"image"/g)?.length, 1);
  t.regex(sent, /shot\.png \(\d+ bytes\), a picture, shown smaller/);
  t.regex(sent, /bomb\.png .* cannot be shown/);
  t.regex(sent, /lost\.txt could not be fetched/);
  t.deepEqual(await readdir(b.repo_dir), []);
  const folders = await readdir(join(b.scratch_dir, 'attachments'), { recursive: true });
  t.true(
    folders.every((path) => !/(^|\/)(\.git|\.\.)/.test(path)),
    folders.join(),
  );
  const evil = folders.find((path) => path.endsWith('evil.sh')) ?? '';
  t.is(await readFile(join(b.scratch_dir, 'attachments', evil), 'utf8'), 'rm -rf /');
});

test('the next attempt has the files again, and shows none twice', async (t) => {
  const b = await bench(t, { handler: () => ({ text: 'Done.' }) });
  const note = file('note.txt', Buffer.from('hello'));
  b.files.set(note.id, Buffer.from('hello'));
  b.messages.say('Look.', { attachments: [note] });
  await b.run();
  b.messages.say('Again.');
  await b.run({ attachments: [note] });
  const last = texts(b.model.requests.at(-1)?.body as MessagesRequest);
  t.is(last.match(/\[Attached file\]/g)?.length, 1);
});
