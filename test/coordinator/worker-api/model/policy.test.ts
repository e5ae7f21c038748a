import { serialize } from 'node:v8';
import test from 'ava';
import { readRequest, REQUEST, toCountBody, withMaxTokens } from '../../../../coordinator/worker-api/model/policy.ts';
import { ErrandError } from '../../../../protocol/problem.ts';

const BODY = { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] };
const bytes = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
const says = (blocks: object[]) => ({ ...BODY, messages: [{ role: 'user', content: blocks }] });

test('allows the features that an agent needs', (t) => {
  const request = readRequest(
    bytes({
      ...BODY,
      stream: true,
      system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }],
      tools: [
        { name: 'a', input_schema: {} },
        { type: 'custom', name: 'b' },
        { type: 'bash_20250124', name: 'bash' },
      ],
      context_management: { edits: [] },
      thinking: { type: 'adaptive' },
      messages: [
        { role: 'user', content: [{ type: 'image', source: { type: 'base64', data: 'x'.repeat(90_000) } }] },
        { role: 'assistant', content: [{ type: 'tool_use', id: '1', name: 'a', input: { source: { type: 'url' } } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: '1', content: [{ type: 'text', text: 'x' }] }] },
      ],
    }),
  );
  t.like(request.request, { model: 'm', max_tokens: 5 });
});

test('refuses features that leave the sandbox or whose cost is not known', (t) => {
  const url = { type: 'url', url: 'https://example.org' };
  const refused: [string, object][] = [
    ['server tools', { ...BODY, tools: [{ type: 'web_search_20260318', name: 'web_search' }] }],
    ['code execution', { ...BODY, tools: [{ type: 'code_execution_20260521', name: 'code_execution' }] }],
    ['MCP servers', { ...BODY, mcp_servers: [] }],
    ['threads', { ...BODY, thread: { type: 'create' } }],
    ['fallbacks', { ...BODY, fallbacks: 'default' }],
    ['fast mode', { ...BODY, speed: 'fast' }],
    ['another place', { ...BODY, inference_geo: 'us' }],
    ['another tier', { ...BODY, service_tier: 'auto' }],
    ['containers', { ...BODY, container: 'c' }],
    ['an image by address', says([{ type: 'image', source: url }])],
    ['a file of the vendor', says([{ type: 'document', source: { type: 'file', file_id: 'f' } }])],
    ['an address in a result', says([{ type: 'tool_result', content: [{ type: 'image', source: url }] }])],
    [
      'an address in a document',
      says([{ type: 'document', source: { type: 'content', content: [{ type: 'image', source: url }] } }]),
    ],
    ['tools that a message adds', says([{ type: 'tool_addition', tool: {} }])],
    ['an upload', says([{ type: 'container_upload', file_id: 'f' }])],
    ['context edits that are not known', { ...BODY, context_management: { edits: [{ type: 'think_20270101' }] } }],
    ['an address in the system prompt', { ...BODY, system: [{ type: 'image', source: url }] }],
  ];
  for (const [what, body] of refused) {
    const error = t.throws(() => readRequest(bytes(body)), { instanceOf: ErrandError }, what);
    t.is(error?.code, 'forbidden', what);
  }
});

test('refuses a body that the API could read differently', (t) => {
  for (const text of ['', '[1]', '{"model":', '\ufeff{}']) t.throws(() => readRequest(bytes(text)), undefined, text);
  t.throws(() => readRequest(Buffer.from([0x7b, 0xff, 0x7d])), { instanceOf: ErrandError });
  t.throws(() => readRequest(bytes({ ...BODY, max_tokens: 1.5 })), { instanceOf: ErrandError });
  t.throws(() => readRequest(bytes({ ...BODY, max_tokens: -1 })), { instanceOf: ErrandError });
  const marked = { type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '24h' } };
  t.throws(() => readRequest(bytes(says([marked]))), { message: /messages.0.content/ });
  const nested = (depth: number): object => ({ type: 'tool_result', content: depth === 0 ? [] : [nested(depth - 1)] });
  t.throws(() => readRequest(bytes(says([nested(50)]))), { message: /nested/ });
});

test('refuses a duplicate key, however it is escaped', (t) => {
  const twice = [
    '{"model":"m","messages":[],"model":"n"}',
    '{"model":"m","messages":[],"m\\u006fdel":"n"}',
    '{"model":"m","messages":[{"content":"a","x":{"y":1,"y":2}}]}',
    '{"model":"m" , "messages":[] , "tools":[] ,"tools" :[{"type":"web_search_20260318"}]}',
  ];
  for (const text of twice) t.throws(() => readRequest(bytes(text)), { message: /appears twice/ }, text);
  const once = String.raw`{"model":"m","messages":[{"role":"user","content":"{\"model\":1,\"model\":2} \\"},{"role":"user","content":"x"}]}`;
  t.is(readRequest(bytes(once)).request.model, 'm');
});

test('replaces max_tokens and changes no other byte', (t) => {
  const text =
    '{ "messages":[{"role":"user","content":"\\"max_tokens\\": 7 €","max_tokens":1}],\n "max_tokens" : 64000 , "model":"m"}';
  const raw = bytes(text);
  const { max_tokens_at } = readRequest(raw).request;
  t.truthy(max_tokens_at);
  if (max_tokens_at) t.is(withMaxTokens(raw, max_tokens_at, 12).toString(), text.replace('64000', '12'));
  const last = bytes('{"model":"m","messages":[],"max_tokens":64000}');
  const at = readRequest(last).request.max_tokens_at;
  if (at) t.is(withMaxTokens(last, at, 12).toString(), '{"model":"m","messages":[],"max_tokens":12}');
});

test('a request to count has the fields that are counted, as they were written', (t) => {
  const once =
    '{ "model" : "m" ,"max_tokens":5,"messages":[{"role":"user","content":"a,}"}], "stream":true,"tools":[] }';
  const { counted_at } = readRequest(bytes(once)).request;
  const count = toCountBody(bytes(once), counted_at).toString('utf8');
  t.is(count, '{"model" : "m" ,"messages":[{"role":"user","content":"a,}"}],"tools":[] }');
  t.deepEqual(JSON.parse(count), {
    model: 'm',
    messages: [{ role: 'user', content: 'a,}' }],
    tools: [],
  });
});

test('what is passed on of a request does not grow with what it contains, and a refusal repeats no long name', (t) => {
  const long = 'x'.repeat(100_000);
  const content = Array.from({ length: 10_000 }, () => ({ type: 'text', text: '' }));
  const read = REQUEST.run(bytes({ ...BODY, system: long, messages: [{ role: 'user', content }] }));
  t.true(serialize(read).length < 1_000);
  const messages = Array.from({ length: 1_000 }, () => BODY.messages[0]);
  t.true(serialize(REQUEST.run(bytes({ ...BODY, messages }))).length < 50_000);
  const named = [
    { ...BODY, [long]: 1 },
    { ...BODY, tools: [{ type: long }] },
    says([{ type: long }]),
    { ...BODY, model: long },
    `{"model":"m","messages":[{"${long}":1,"${long}":2}]}`,
  ];
  for (const body of named) {
    const error = t.throws(() => REQUEST.run(bytes(body)), { instanceOf: ErrandError });
    t.true(JSON.stringify([error?.message, error?.errors]).length < 2_000);
  }
});
