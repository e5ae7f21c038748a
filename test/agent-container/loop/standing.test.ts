import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { DONE, textOf } from '../../support/agent-script.ts';
import { bench, type Bench } from '../../support/agent-work.ts';

const GERMAN = 'Answer in German.\nNever touch legacy.';
const CHANGED = /The person has changed what they want of every task/;
const notes = (b: Bench) => b.of('input.added').flatMap(({ text }) => (CHANGED.test(text) ? [text] : []));
const newest = (b: Bench) => textOf(b.model.requests.at(-1)?.body);

/** The work goes on after a message, with other standing instructions. */
async function goOn(b: Bench, instructions?: string): Promise<void> {
  b.messages.say('Go on.');
  await b.run({ ...(instructions !== undefined && { instructions }) });
}

test('standing instructions are one marked block, behind what the repository says and before the task', async (t) => {
  const b = await bench(t, { script: [DONE] });
  await writeFile(join(b.repo_dir, 'AGENTS.md'), 'Use tabs.\n');
  t.is((await b.run({ instructions: GERMAN })).status, 'succeeded');
  const text = newest(b);
  const block = '<standing_instructions>\\nAnswer in German.\\nNever touch legacy.\\n</standing_instructions>';
  const places = ['Use tabs.', block, '# The task'].map((part) => text.indexOf(part));
  t.false(places.includes(-1), text);
  t.deepEqual(
    places.toSorted((x, y) => x - y),
    places,
  );
  t.is(text.split('<standing_instructions>').length, 2);
});

test('without standing instructions nothing is said of them, then and later', async (t) => {
  const b = await bench(t, { script: [DONE, DONE] });
  await b.run({ instructions: ' ' });
  await goOn(b);
  t.notRegex(JSON.stringify(b.model.requests.map(({ body }) => body?.messages)), /standing_instructions|every task/);
});

test('a later attempt is told of standing instructions that have changed, and only of those', async (t) => {
  const b = await bench(t, { script: [DONE, DONE, DONE, DONE, DONE, DONE] });
  await b.run({ instructions: GERMAN });
  await goOn(b, GERMAN);
  t.deepEqual(notes(b), [], 'they are the same');
  await goOn(b, 'Answer in French.');
  t.regex(newest(b), /<standing_instructions>\\nAnswer in French\./);
  await goOn(b, 'Answer in French.');
  t.is(notes(b).length, 1, 'it is said once');
  await goOn(b);
  t.regex(notes(b)[1] ?? '', /Nothing of it counts any more/);
  await goOn(b);
  t.is(notes(b).length, 2);
});

test('the value of a secret is not in standing instructions, nor told as a change of them', async (t) => {
  const b = await bench(t, { script: [DONE, DONE] });
  const changes = { instructions: 'Log in with sesame-open-4711.', env: { LOGIN: 'sesame-open-4711' } };
  await b.run(changes);
  b.messages.say('Go on.');
  await b.run(changes);
  t.notRegex(JSON.stringify(b.model.requests.map(({ body }) => body?.messages)), /sesame-open/);
  t.deepEqual(notes(b), []);
});

test('a word that is masked otherwise than before is no change of the standing instructions, any other is one', async (t) => {
  const b = await bench(t, { script: Array.from({ length: 5 }, () => DONE) });
  const env = { LOGIN: 'sesame-open-4711' };
  await b.run({ instructions: 'Log in with sesame-open-4711.', env });
  for (const changes of [{}, { env }, { env: { OTHER: 'sesame-open' } }]) {
    b.messages.say('Go on.');
    await b.run({ instructions: 'Log in with sesame-open-4711.', ...changes });
    t.deepEqual(notes(b), []);
  }
  b.messages.say('Go on.');
  await b.run({ instructions: 'Log in with sesame-open-4711.\nNever touch legacy.', env });
  t.is(notes(b).length, 1);
});

for (const [before, after] of [
  ['Ask https://sesame-open-4711@staging.test', 'Ask https://sesame-open-4711@live.test'],
  ['Ask staging-sesame-open-4711', 'Ask live-sesame-open-4711'],
  ['Ask staging', 'Ask sesame-open-4711'],
] as const)
  test(`a change of a word beside a mask is told: from ${before} to ${after}`, async (t) => {
    const env = { LOGIN: 'sesame-open-4711' };
    for (const changes of [{ env }, {}]) {
      const b = await bench(t, { script: [DONE, DONE] });
      await b.run({ instructions: before, ...changes });
      b.messages.say('Go on.');
      await b.run({ instructions: after, env });
      t.is(notes(b).length, 1);
    }
  });

test('a secret with blanks that is masked now is no change of the standing instructions', async (t) => {
  const b = await bench(t, { script: [DONE, DONE, DONE] });
  const env = { PHRASE: 'open the gate, please' };
  for (const changes of [{}, { env }, { env }]) {
    await b.run({ instructions: 'Say "open the gate, please".', ...changes });
    b.messages.say('Go on.');
  }
  t.deepEqual(notes(b), []);
});

test('after a summary the newest standing instructions are said behind those of the beginning', async (t) => {
  let is_long = false;
  const b = await bench(t, {
    piece_chars: 1000,
    handler: (request) => {
      if (!is_long) return DONE;
      if (request.compaction !== undefined) return { compaction: 'Files were read.' };
      const n = Number(/NEXT (\d+)(?!.*NEXT)/s.exec(JSON.stringify(request.messages))?.[1] ?? 0);
      const tools = [{ name: 'read_file', input: { path: 'long', limit: 1000 + n } }];
      return n >= 16 ? DONE : { text: `NEXT ${n + 1}`, tools };
    },
  });
  await writeFile(join(b.repo_dir, 'long'), `${'x'.repeat(95)}\n`.repeat(480));
  await b.run({ instructions: 'Answer in German.' });
  is_long = true;
  await goOn(b, 'Answer in French.');
  const after = b.model.requests.find(({ body }) => body?.messages[0]?.content[0]?.type === 'compaction')?.body;
  t.regex(textOf(after), /Answer in German\..+The person has changed what they want.+Answer in French\./);
});
