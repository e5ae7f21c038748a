import Anthropic, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  InternalServerError,
  NotFoundError,
} from '@anthropic-ai/sdk';
import type { BetaContentBlockParam, BetaMessageStreamParams } from '@anthropic-ai/sdk/resources/beta/messages';
import test, { type ExecutionContext } from 'ava';
import { faults, startModel, type ModelOptions } from './server.ts';

type Params = BetaMessageStreamParams;

const TOOL = {
  name: 'read_file',
  input_schema: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
} as const;
const BASE = {
  model: 'claude-sonnet-5-5',
  max_tokens: 1000,
  system: 'You are tested.',
  tools: [TOOL],
  messages: [{ role: 'user', content: 'Read a.txt' }],
} satisfies Params;

async function start(t: ExecutionContext, options: ModelOptions) {
  const model = await startModel(options);
  t.teardown(model.close);
  const client = new Anthropic({ apiKey: model.api_key, baseURL: model.base_url, maxRetries: 0 });
  const ask = (more: Partial<Params> = {}) => client.beta.messages.stream({ ...BASE, ...more }).finalMessage();
  /** The API's error for a body that need not match the SDK's types. */
  const refusal = async (more: object): Promise<string> => {
    const { stream: _, ...body } = { ...BASE, stream: false, ...more };
    const error = await t.throwsAsync(client.post('/v1/messages', { body }), { instanceOf: APIError });
    t.is(error?.status, 400);
    t.is(error?.type, 'invalid_request_error');
    return error?.message ?? '';
  };
  return { model, client, ask, refusal };
}

test('streams text, thinking and tools to the real SDK', async (t) => {
  const { client, model } = await start(t, {
    script: [
      { thinking: 'Hm, möglich.', text: 'Let me look 🙂.', tools: [{ name: 'read_file', input: { path: 'a.txt' } }] },
    ],
    piece_chars: 3,
  });
  const stream = client.beta.messages.stream({ ...BASE, thinking: { type: 'adaptive', display: 'summarized' } });
  const texts: string[] = [];
  stream.on('text', (text) => texts.push(text));
  const message = await stream.finalMessage();
  t.true(texts.length > 3);
  t.is(texts.join(''), 'Let me look 🙂.');
  t.is(message.stop_reason, 'tool_use');
  t.is(message.stop_details, null);
  const [thinking, text, tool] = message.content;
  t.like(thinking, { type: 'thinking', thinking: 'Hm, möglich.' });
  t.like(text, { type: 'text', text: 'Let me look 🙂.' });
  t.like(tool, { type: 'tool_use', name: 'read_file', input: { path: 'a.txt' }, caller: { type: 'direct' } });
  t.true(message.usage.output_tokens > 5);
  t.regex(String(stream.request_id), /^req_/);
  t.like(model.requests[0], { method: 'POST', path: '/v1/messages' });
  t.is(model.requests[0]?.headers['anthropic-version'], '2026-10-21');
});

test('has the wire format of the real stream', async (t) => {
  const { model } = await start(t, { script: [{ tools: [{ name: 'read_file', input: { path: 'a' } }] }] });
  const response = await fetch(`${model.base_url}/v1/messages`, {
    method: 'POST',
    headers: {
      'x-api-key': model.api_key,
      'anthropic-version': '2023-06-01',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ ...BASE, stream: true }),
  });
  const text = await response.text();
  t.truthy(response.headers.get('anthropic-ratelimit-requests-remaining'));
  t.truthy(response.headers.get('anthropic-organization-id'));
  t.is(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const names = [...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]);
  t.deepEqual(names.slice(0, 3), ['message_start', 'content_block_start', 'ping']);
  t.deepEqual(names.slice(-2), ['message_delta', 'message_stop']);
  t.true(text.includes('"partial_json":""'));
  t.regex(text, / +\}\n\n/);
});

test('accepts a whole conversation and counts the tokens that the cache served', async (t) => {
  const { ask, client } = await start(t, {
    script: [{ thinking: 'x', tools: [{ name: 'read_file', input: { path: 'a.txt' } }] }, { text: 'Done.' }],
  });
  const cached = { cache_control: { type: 'ephemeral' } } as const;
  const first = await ask(cached);
  t.is(first.usage.cache_read_input_tokens, 0);
  t.true(Number(first.usage.cache_creation_input_tokens) > 0);
  t.is(first.usage.input_tokens, 0);
  const [thought] = first.content;
  t.like(thought, { type: 'thinking', thinking: '' });
  const call = first.content.find((block) => block.type === 'tool_use');
  const messages: Params['messages'] = [
    ...BASE.messages,
    { role: 'assistant', content: first.content },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: call?.id ?? '', content: 'hello' }] },
  ];
  const second = await ask({ ...cached, messages });
  t.is(second.usage.cache_read_input_tokens, first.usage.cache_creation_input_tokens);
  t.true(Number(second.usage.cache_creation_input_tokens) > 0);
  t.is(second.stop_reason, 'end_turn');
  const { input_tokens } = await client.beta.messages.countTokens({
    model: BASE.model,
    system: BASE.system,
    tools: [TOOL],
    messages,
  });
  t.is(
    input_tokens,
    second.usage.input_tokens +
      Number(second.usage.cache_read_input_tokens) +
      Number(second.usage.cache_creation_input_tokens),
  );
});

test('refuses a thinking block that was changed or moved to another conversation', async (t) => {
  const { ask } = await start(t, { script: [{ thinking: 'x', text: 'Yes.' }, { text: 'Again.' }] });
  const { content } = await ask();
  const go = (first: string, blocks: BetaContentBlockParam[]) =>
    ask({
      messages: [
        { role: 'user', content: first },
        { role: 'assistant', content: blocks },
        { role: 'user', content: 'More' },
      ],
    });
  const changed = content.map((block) => (block.type === 'thinking' ? { ...block, thinking: 'y' } : block));
  await t.throwsAsync(go('Read a.txt', changed), { message: /Invalid `signature` in `thinking` block/ });
  await t.throwsAsync(go('Read b.txt', content), { message: /bound to a different conversation/ });
  t.is((await go('Read a.txt', content)).stop_reason, 'end_turn');
});

test('refuses the requests that the API refuses', async (t) => {
  const { ask, refusal } = await start(t, { script: [] });
  const use = (id: string, name = 'read_file') => ({ type: 'tool_use', id, name, input: {} });
  const result = (id: string) => ({ type: 'tool_result', tool_use_id: id, content: 'x' });
  const talk = (assistant: object[], user: object[]) => ({
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: assistant },
      { role: 'user', content: user },
    ],
  });
  const text = { type: 'text', text: 'x' };
  const marked = { ...text, cache_control: { type: 'ephemeral' } };

  t.regex(await refusal({ max_tokens: undefined }), /max_tokens: Field required/);
  t.regex(await refusal({ temperature: 1 }), /temperature/);
  t.regex(await refusal({ max_tokens: 0, output_config: { format: { type: 'json_schema', schema: {} } } }), /format/);
  await t.throwsAsync(ask({ max_tokens: 0 }), { message: /max_tokens: 0 is not allowed with stream/ });
  t.regex(await refusal({ frobnicate: 1 }), /frobnicate: Extra inputs are not permitted/);
  t.regex(await refusal({ context_management: { edits: [] } }), /context_management: Extra inputs are not permitted/);
  t.regex(await refusal({ messages: [] }), /at least one message/);
  t.regex(await refusal({ messages: [{ role: 'user', content: '' }] }), /non-empty/);
  t.regex(await refusal({ messages: [{ role: 'user', content: ' \n' }] }), /non-whitespace/);
  t.regex(
    await refusal({ messages: [{ role: 'user', content: [{ ...text, more: 1 }] }] }),
    /messages\.0\.content\.0.*more: Extra inputs/,
  );
  t.regex(await refusal({ messages: talk([text], []).messages.slice(0, 2) }), /prefill/);
  t.regex(
    await refusal({
      messages: Array.from({ length: 1 }, () => ({ role: 'user', content: [marked, marked, marked, marked, marked] })),
    }),
    /maximum of 4/,
  );
  t.regex(await refusal({ tool_choice: { type: 'any' } }), /tool_choice/);
  t.regex(await refusal({ thinking: { type: 'disabled' } }), /disabled/);
  t.regex(await refusal({ thinking: { type: 'enabled', budget_tokens: 2000 } }), /enabled/);
  t.regex(
    await refusal(talk([use('a'), use('b')], [result('a')])),
    /without `tool_result` blocks immediately after: b/,
  );
  t.regex(await refusal(talk([use('a')], [text])), /without `tool_result`/);
  t.regex(await refusal(talk([use('a')], [text, result('a')])), /must come first/);
  t.regex(await refusal(talk([use('a')], [result('a'), result('a')])), /single result/);
  t.regex(await refusal(talk([text], [result('z')])), /unexpected `tool_use_id`/);
  t.regex(
    await refusal(talk([text, { type: 'thinking', thinking: '', signature: 's' }], [text])),
    /cannot be `thinking`/,
  );
  t.regex(await refusal(talk([{ type: 'text', text: '\ud800' }], [text])), /surrogate/);
  const source = { type: 'text', media_type: 'text/plain', data: 'x' };
  t.regex(await refusal(talk([{ type: 'document', source }], [text])), /`document` blocks are not permitted/);
  t.regex(
    await refusal(talk([text], [{ type: 'document', source: { ...source, type: 'base64' } }])),
    /content\.0\.source/,
  );
  t.regex(await refusal({ tools: [TOOL, TOOL] }), /unique/);
  t.regex(await refusal({ tools: [{ ...TOOL, strict: true }] }), /additionalProperties/);
});

test("sends its other errors in the API's format", async (t) => {
  const { client, model, ask } = await start(t, { context_tokens_max: 100 });
  await t.throwsAsync(ask({ model: 'gpt-9' }), { message: /model: gpt-9/, instanceOf: NotFoundError });
  await t.throwsAsync(ask({ system: 'word '.repeat(200) }), {
    message: /prompt is too long: \d+ tokens > 100 maximum/,
  });
  await t.throwsAsync(new Anthropic({ apiKey: 'wrong', baseURL: model.base_url }).beta.messages.create(BASE), {
    instanceOf: AuthenticationError,
  });
  await t.throwsAsync(client.get('/v1/files'), { instanceOf: NotFoundError });
  await t.throwsAsync(ask(), { instanceOf: InternalServerError, message: /script has 0 turns/ });
});

test('injects faults, and the SDK retries as with the real API', async (t) => {
  const { model, ask } = await start(t, {
    script: [
      { text: 'one', fault: { fault: 'cut', at_byte: 1100 } },
      { text: 'two', fault: faults.overloadedMidStream(3) },
      { text: 'three', fault: { fault: 'end', at_byte: 1100 } },
      { text: 'four' },
    ],
  });
  await t.throwsAsync(ask(), { message: /terminated/ });
  await t.throwsAsync(ask(), { instanceOf: APIError, message: /Overloaded/ });
  await t.throwsAsync(ask(), { message: /stream ended without/ });
  model.fail(faults.serverError(), faults.rateLimited(0), faults.overloaded());
  const client = new Anthropic({ apiKey: model.api_key, baseURL: model.base_url, maxRetries: 3 });
  const message = await client.beta.messages.stream(BASE).finalMessage();
  t.like(message.content[0], { text: 'four' });
  t.is(model.requests.length, 7);
  t.is(model.requests.at(-1)?.headers['x-stainless-retry-count'], '3');
});

test('stalls until the client disconnects, and notices that', async (t) => {
  const { client, model } = await start(t, { script: [{ text: 'never', fault: { fault: 'stall', at_byte: 300 } }] });
  const stream = client.beta.messages.stream(BASE);
  const gone = t.throwsAsync(stream.done(), { instanceOf: APIUserAbortError });
  await stream.emitted('connect');
  stream.abort();
  await gone;
  const request = await model.request(0);
  t.is(await request.ended, 'aborted');
});

test('ends a turn with every stop reason of the API', async (t) => {
  const { client } = await start(t, {
    script: [
      { refusal: { category: 'cyber', explanation: 'No.' } },
      { text: 'I write', tools: [{ name: 'read_file', input: { path: 'a/long/path.txt' } }], input_chars: 12 },
      { text: 'Hold on', stop_reason: 'pause_turn' },
      { text: 'Full', stop_reason: 'model_context_window_exceeded' },
      {
        text: 'Cleared',
        applied_edits: [{ type: 'clear_tool_uses_20250919', cleared_tool_uses: 3, cleared_input_tokens: 9000 }],
      },
      { compaction: 'What happened so far.', text: 'On we go.' },
    ],
  });
  const ask = () =>
    client.beta.messages
      .stream({
        ...BASE,
        betas: ['context-management-2025-06-27', 'compact-2026-01-12'],
        context_management: { edits: [{ type: 'clear_tool_uses_20250919' }, { type: 'compact_20260112' }] },
      })
      .finalMessage();
  t.like(await ask(), { stop_reason: 'refusal', stop_details: { category: 'cyber' } });
  t.is((await ask()).stop_reason, 'max_tokens');
  t.is((await ask()).stop_reason, 'pause_turn');
  t.is((await ask()).stop_reason, 'model_context_window_exceeded');
  t.like(await ask(), { context_management: { applied_edits: [{ cleared_tool_uses: 3 }] } });
  const compacted = await ask();
  t.like(compacted.content[0], { type: 'compaction', content: 'What happened so far.' });
  t.deepEqual(
    compacted.usage.iterations?.map(({ type }) => type),
    ['compaction', 'message'],
  );
});
