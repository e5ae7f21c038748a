import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { DONE, run } from '../../support/agent-script.ts';
import { bench, type Bench } from '../../support/agent-work.ts';
import { faults } from '../../support/model/server.ts';
import { newId } from '../../../protocol/ids.ts';
import { pdfOf } from '../../support/pdf.ts';

/* PDFs that look right here, and that the API refuses all the same. The model server refuses them as the API does. */

const GOOD = pdfOf(1, { mark: 'good' });
/** The API names the place of the first, and not of the second. */
const NOT_VALID = Buffer.from('%PDF-1.7\nstartxref\n9\n%%EOF\n');
const NOT_PROCESSED = pdfOf(1, { table_at: 3 });
const WORDS = /a document that the API did not accept/g;

/** A model that reads these files first, or runs a command if there are none, and ends then. */
const reading = (paths: string[]) => ({
  handler: ({ messages }: { messages: { role: string }[] }) => {
    if (messages.some(({ role }) => role === 'assistant')) return DONE;
    return {
      tools: paths.length === 0 ? [run('true')] : paths.map((path) => ({ name: 'read_file', input: { path } })),
    };
  },
});

function attached(b: Bench, bytes: Buffer) {
  const id = newId();
  b.files.set(id, bytes);
  return { id, name: 'a.pdf', media_type: 'application/pdf', bytes: bytes.length, width: null, height: null };
}

const refusals = (b: Bench) => b.of('turn.retried').filter(({ reason }) => reason.includes(' 400'));

/** Which of the documents the last request has, and how many are replaced by words. */
function lastSent(b: Bench, bad: Buffer) {
  const sent = JSON.stringify(b.model.requests.at(-1)?.body?.messages);
  const has = (bytes: Buffer) => sent.includes(bytes.toString('base64'));
  return { good: has(GOOD), bad: has(bad), replaced: sent.match(WORDS)?.length ?? 0 };
}

const PLACES = ['the prompt', 'a message', 'a result of a call'] as const;
const KINDS = { named: NOT_VALID, 'not named': NOT_PROCESSED };

for (const place of PLACES)
  for (const [kind, bad] of Object.entries(KINDS))
    test(`a refused document in ${place}, its place ${kind}, is replaced by words, and the errand goes on`, async (t) => {
      const files = { 'good.pdf': GOOD, 'bad.pdf': bad };
      const b = await bench(t, reading(place === 'a result of a call' ? Object.keys(files) : []));
      for (const [name, bytes] of Object.entries(files)) await writeFile(join(b.repo_dir, name), bytes);
      const attachments = Object.values(files).map((bytes) => attached(b, bytes));
      if (place === 'a message') b.messages.say('Look.', { attachments });
      const assignment = place === 'the prompt' ? { attachments } : {};
      const expected = kind === 'named' ? { good: true, replaced: 1 } : { good: false, replaced: 2 };

      const end = await b.run(assignment);
      t.is(end.status, 'succeeded', end.detail ?? '');
      t.is(refusals(b).length, 1);
      t.deepEqual(lastSent(b, bad), { ...expected, bad: false });

      b.messages.say('Go on.');
      t.is((await b.run(assignment)).status, 'succeeded', 'the next attempt');
      t.is(refusals(b).length, 2);
      t.deepEqual(lastSent(b, bad), { ...expected, bad: false });
    });

for (const place of PLACES)
  test(`a document in ${place} that is too long for the context is replaced by words, and the errand goes on`, async (t) => {
    const read = reading(place === 'a result of a call' ? ['long.pdf'] : []);
    const long = GOOD.toString('base64');
    const b = await bench(t, {
      handler: (request) =>
        JSON.stringify(request.messages).includes(long) ? faults.promptTooLong(9, 8) : read.handler(request),
    });
    await writeFile(join(b.repo_dir, 'long.pdf'), GOOD);
    const attachments = [attached(b, GOOD)];
    if (place === 'a message') b.messages.say('Look.', { attachments });
    const end = await b.run(place === 'the prompt' ? { attachments } : {});
    t.is(end.status, 'succeeded', end.detail ?? '');
    t.deepEqual(lastSent(b, NOT_VALID), { good: false, bad: false, replaced: 1 });
  });

test('of documents that have too many pages together, only the one that the API names is left out', async (t) => {
  const more = pdfOf(100, { mark: 'more' });
  const b = await bench(t, reading([]));
  t.is((await b.run({ attachments: [GOOD, more].map((bytes) => attached(b, bytes)) })).status, 'succeeded');
  t.regex(refusals(b)[0]?.reason ?? '', /A maximum of 100 PDF pages/);
  t.deepEqual(lastSent(b, more), { good: true, bad: false, replaced: 1 });
});
