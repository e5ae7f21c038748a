import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import sharp from 'sharp';
import test from 'ava';
import { DONE, run, textOf } from '../../support/agent-script.ts';
import { bench, transcriptOf, type Bench } from '../../support/agent-work.ts';
import { longBench, reading } from '../../support/long-conversation.ts';
import { faults, type Fault, type Turn } from '../../support/model/server.ts';

/* How a long conversation is kept short: by a summary of the API, and by other means only if it refuses one. */

const FULL: Turn = { text: 'Full', stop_reason: 'model_context_window_exceeded' };
const refused: Fault = { fault: 'status', status: 400, type: 'invalid_request_error', message: 'compaction: no' };

const bodies = (b: Bench) => b.model.requests.flatMap(({ body }) => body ?? []);
const rejected = (b: Bench) => b.of('turn.retried').filter(({ reason }) => reason.includes('400'));

test('a short conversation is sent whole, with no edits of the context', async (t) => {
  const b = await longBench(t, reading(3));
  t.is((await b.run()).status, 'succeeded');
  for (const body of bodies(b)) t.is(body.context_management, undefined);
});

test('a long conversation is summarised; the newest turns stay word for word, and their thinking stays valid', async (t) => {
  const b = await longBench(t, reading(16));
  b.messages.say('Mind the tabs.');
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(rejected(b), []);
  const asked = bodies(b).findIndex(({ compaction }) => compaction !== undefined);
  const [before, summary, after] = bodies(b).slice(asked - 1);
  // The messages of an earlier request, so that the summary is written from the cache.
  t.deepEqual(bare(summary?.messages), bare(before?.messages.slice(0, summary?.messages.length)));
  t.is(summary?.messages.at(-1)?.role, 'user');
  t.is(after?.messages[0]?.content[0]?.type, 'compaction');
  const kept = after?.messages.slice(1, -1);
  t.deepEqual(bare(kept), bare(before?.messages.slice(summary?.messages.length)).concat(bare(after?.messages.at(-2))));
  t.true((kept?.length ?? 0) >= 3);
  t.is(after?.context_management, undefined);
  const usage = b.of('turn.finished').find(({ replaces_messages }) => replaces_messages !== undefined)?.usage;
  t.true((usage?.cache_read_tokens ?? 0) > 100_000);
  t.true((usage?.cache_write_tokens ?? 0) + (usage?.input_tokens ?? 0) < 1_000);
  t.deepEqual(
    b.of('context.reduced').map(({ means }) => means),
    ['compact'],
  );
});

test('a message that comes during a summary is heard in the request after it', async (t) => {
  const turn = reading(16);
  const b: Bench = await longBench(t, (request) => {
    if (request.compaction !== undefined) b.messages.say('Stop reading.');
    return turn(request);
  });
  t.is((await b.run()).status, 'succeeded');
  const asked = bodies(b).findIndex(({ compaction }) => compaction !== undefined);
  t.regex(textOf(bodies(b)[asked + 1]), /Stop reading\./);
});

test('a model whose long prompts cost several times as much has its conversation summarised before that', async (t) => {
  const b = await longBench(t, reading(9));
  t.is((await b.run({ model: 'claude-haiku-5-5' })).status, 'succeeded');
  const usages = b.of('turn.finished').flatMap(({ usage }) => usage ?? []);
  const prompts = usages.map((usage) => usage.input_tokens + usage.cache_write_tokens + usage.cache_read_tokens);
  t.deepEqual(
    b.of('context.reduced').map(({ means }) => means),
    ['compact'],
  );
  // The one that crosses the threshold is not known before.
  t.true(prompts.filter((tokens) => tokens > 100_000).length <= 1, prompts.join());
});

test('the next attempt goes on from the summary, with the same bytes, wherever the previous one was lost', async (t) => {
  const b = await longBench(t, reading(16));
  t.is((await b.run()).status, 'succeeded');
  const whole = [...b.events];
  const summarised = whole.findIndex(({ type, body }) => type === 'turn.finished' && 'replaces_messages' in body);
  const originals = bodies(b);
  for (const at of [summarised, summarised + 1, summarised + 2, summarised + 3, whole.length - 1]) {
    const from = b.model.requests.length;
    const transcript = whole.slice(0, at).map(({ type, body }) => ({ attempt: 1, type, body }));
    t.is((await b.run({ transcript, attempt: 2 })).status, 'succeeded', `after event ${at}`);
    t.deepEqual(rejected(b), []);
    const sent = b.model.requests.slice(from).flatMap(({ body }) => body ?? []);
    t.is(sent.filter(({ compaction }) => compaction !== undefined).length, at > summarised ? 0 : 1);
    const same = originals.filter(({ compaction, messages }) => {
      return compaction?.type === sent[0]?.compaction?.type && messages.length === sent[0]?.messages.length;
    });
    t.deepEqual(withoutLimits(sent[0]?.messages), withoutLimits(same.at(-1)?.messages), `after event ${at}`);
  }
});

test('a summary whose signature the API refuses is said by the user, and the errand goes on, also in later attempts', async (t) => {
  const b = await longBench(t, reading(16));
  t.is((await b.run()).status, 'succeeded');
  const changed = JSON.stringify(transcriptOf(b.events)).replace(/("type":"compaction",.*?"signature":")/, '$1x');
  for (const attempt of [2, 3]) {
    b.messages.say('Go on.');
    const transcript = JSON.parse(changed) as ReturnType<typeof transcriptOf>;
    const end = await b.run({ transcript, attempt });
    t.is(end.status, 'succeeded', end.detail ?? '');
    t.is(rejected(b).length, attempt - 1);
    t.regex(rejected(b).at(-1)?.reason ?? '', /messages\.0\.content\.0: Invalid `signature` in `compaction` block/);
    const sent = bodies(b).at(-1)?.messages;
    t.like(sent?.[0], { role: 'user', content: [{ text: 'The conversation so far:\n\nNine files were read.' }] });
    // Its thinking is not what was refused.
    t.true(JSON.stringify(sent).includes('"type":"thinking"'));
  }
});

for (const [what, answer] of Object.entries<Turn | Fault>({
  'refuses to write a summary': refused,
  'names the conversation as what it will not summarise': { ...refused, message: 'messages.0: cannot be summarized' },
  'fails to write a summary': { text: '' },
  'refuses the model to write a summary': { refusal: { category: null, explanation: 'No.' } },
}))
  test(`where the API ${what}, it is not asked again, and may summarise by itself`, async (t) => {
    const b = await longBench(t, reading(18, answer));
    const end = await b.run();
    t.is(end.status, 'succeeded', end.detail ?? '');
    const sent = bodies(b);
    t.true(sent.filter(({ compaction }) => compaction !== undefined).length <= 6);
    t.is(sent.findLastIndex(({ compaction }) => compaction !== undefined) < sent.length - 2, true);
    t.deepEqual(
      sent.at(-1)?.context_management?.edits?.map(({ type }) => type),
      ['compact_20260112'],
    );
  });

test('a conversation that the API has summarised by itself goes on in this way', async (t) => {
  const b = await bench(t, {
    handler: ({ messages }) =>
      messages.length > 1 ? { text: 'Done.' } : { compaction: 'So far.', tools: [run('true')] },
  });
  b.model.fail(faults.promptTooLong(9, 8));
  t.is((await b.run()).status, 'succeeded');
  b.messages.say('Go on.');
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(
    bodies(b)
      .at(-1)
      ?.context_management?.edits?.map(({ type }) => type),
    ['compact_20260112'],
  );
});

test('a full context is summarised; then results are left out; then the attempt fails', async (t) => {
  const turn = reading(10);
  let full = false;
  const b = await longBench(t, (request) => {
    if (request.messages.length < 17 || full || request.compaction !== undefined) return turn(request);
    full = true;
    return FULL;
  });
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(
    b.of('context.reduced').map(({ means }) => means),
    ['compact'],
  );
  t.true(bodies(b).every(({ context_management }) => context_management === undefined));

  // Nothing precedes the newest turn, so there is nothing to summarise.
  const c = await bench(t, { script: [FULL, DONE] });
  t.is((await c.run()).status, 'succeeded');
  t.deepEqual(
    bodies(c).map(({ context_management }) => context_management?.edits?.length),
    [undefined, 2],
  );
  const d = await bench(t, { script: [FULL, FULL] });
  t.is((await d.run()).reason, 'context_exhausted');
});

test('a prompt that the API calls too long is shortened in the same way', async (t) => {
  const b = await bench(t, { script: [DONE] });
  b.model.fail(faults.promptTooLong(9, 8));
  t.is((await b.run()).status, 'succeeded');
  const c = await bench(t, { script: [DONE] });
  c.model.fail(faults.promptTooLong(9, 8), faults.promptTooLong(9, 8));
  t.is((await c.run()).reason, 'context_exhausted');
});

test('reports tool results that the API left out', async (t) => {
  const applied_edits = [{ type: 'clear_tool_uses_20250919', cleared_tool_uses: 3, cleared_input_tokens: 9000 }];
  const b = await bench(t, { script: [{ tools: [run('true')], applied_edits }, DONE] });
  b.model.fail(faults.promptTooLong(9, 8));
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(
    b.of('context.reduced').map(({ means }) => means),
    ['clear_tool_uses'],
  );
});

/** Without cache marks, which move. */
const bare = (messages: unknown): unknown[] =>
  [
    JSON.parse(JSON.stringify(messages ?? [], (key, value: unknown) => (key === 'cache_control' ? undefined : value))),
  ].flat();

/** The same, but for what the attempt may still use up. */
const withoutLimits = (messages: unknown): unknown => {
  const text = JSON.stringify(bare(messages));
  const limits = String.raw`From now on you have \d+ min, \d+ turns and \$\d+\.\d\d\.`;
  const block = new RegExp(String.raw`,\{"type":"text","text":"\[Errand\] ${limits}"\}`);
  return JSON.parse(text.replace(block, '').replace(new RegExp(limits), ''));
};

for (const model of ['claude-haiku-4-5', 'claude-opus-4-5-20251101'])
  test(`${model}, which neither thinks adaptively nor summarises, works on with old results left out`, async (t) => {
    let overflows = 0;
    const read = reading(16);
    const b = await longBench(t, (request) => {
      const turn = read(request);
      const is_full = request.messages.length > 20 && request.context_management === undefined;
      return is_full && overflows++ < 5 ? { ...FULL } : turn;
    });
    t.is((await b.run({ model })).status, 'succeeded');
    t.true(overflows > 0);
    for (const { reason } of rejected(b)) t.regex(reason, /compaction is not supported/);
    t.true(bodies(b).every(({ thinking, output_config }) => thinking === undefined && output_config === undefined));
  });

const SPENT: Fault = { fault: 'status', status: 429, type: 'billing_error', message: 'The budget is spent.' };

test('a prompt that the budget no longer pays for is sent once more without old results', async (t) => {
  let refusals = 0;
  const read = reading(6);
  const b = await longBench(t, (request) => {
    const is_dear = request.messages.length > 6 && request.context_management === undefined;
    if (is_dear) refusals++;
    return is_dear ? SPENT : read(request);
  });
  t.is((await b.run()).status, 'succeeded');
  t.true(refusals > 0);
  // Nor is a summary asked for, which the budget would have to pay for too.
  const edits = bodies(b).flatMap(({ context_management }) => context_management?.edits ?? []);
  t.deepEqual([...new Set(edits.map(({ type }) => type))], ['clear_tool_uses_20250919']);
});

test('a budget that does not even pay for a shortened prompt ends the work', async (t) => {
  const read = reading(6);
  const b = await longBench(t, (request) => (request.messages.length > 6 ? SPENT : read(request)));
  const end = await b.run();
  t.is(end.reason, 'budget_exhausted');
  t.is(bodies(b).filter(({ messages }) => messages.length > 6).length, 2);
});

test('a summary that the budget does not pay for is left out, and the turn is asked for all the same', async (t) => {
  const b = await longBench(t, reading(16, SPENT));
  t.is((await b.run()).status, 'succeeded');
  t.true(bodies(b).some(({ compaction }) => compaction !== undefined));
});

test('images with more bytes than a request may have do not end the errand, in one turn or in several', async (t) => {
  const look = { name: 'read_file', input: { path: 'noise.png' } };
  const turns = [44, 1, 20].map((n): Turn => ({ thinking: 'Hm.', tools: Array.from({ length: n }, () => look) }));
  const b = await bench(t, { script: [...turns, DONE], piece_chars: 1000 });
  const raw = { width: 440, height: 440, channels: 3 as const };
  await sharp(randomBytes(440 * 440 * 3), { raw })
    .png()
    .toFile(join(b.repo_dir, 'noise.png'));
  const end = await b.run();
  t.is(end.status, 'succeeded', end.detail ?? '');
  t.deepEqual(b.of('turn.retried'), []);
  t.regex(textOf(bodies(b)[1]), /an image that is left out here/);
  t.regex(textOf(bodies(b)[1]), /"type":"image"/);
});
