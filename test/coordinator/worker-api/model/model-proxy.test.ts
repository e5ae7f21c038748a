import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InternalServerError, NotFoundError, PermissionDeniedError, RateLimitError } from '@anthropic-ai/sdk';
import test from 'ava';
import { LIMITS } from '../../../../protocol/limits.ts';
import { ASK, leave, startModelProxy } from '../../../support/model-proxy-scene.ts';
import { faults } from '../../../support/model/server.ts';
import { until } from '../../../support/until.ts';

test('forwards every byte of a request, with the API key in place of the token', async (t) => {
  const { client, model } = await startModelProxy(t, { script: [{ text: 'Grüße 🙂' }] });
  const stream = client.beta.messages.stream(
    { ...ASK, betas: ['context-management-2025-06-27'] },
    { headers: { cookie: 'a=b', 'x-forwarded-for': '1.2.3.4', 'anthropic-workspace-id': 'w' } },
  );
  const { data, response } = await stream.withResponse();
  t.like((await data.finalMessage()).content[0], { text: 'Grüße 🙂' });
  const sent = await model.request(0);
  t.is(sent.headers.authorization, `Bearer ${model.api_key}`);
  t.is(sent.headers['anthropic-version'], '2026-10-21');
  t.is(sent.headers['anthropic-beta'], 'context-management-2025-06-27');
  t.is(sent.headers['accept-encoding'], 'identity');
  t.truthy(sent.headers['x-stainless-lang']);
  for (const name of ['cookie', 'x-forwarded-for', 'anthropic-workspace-id', 'x-api-key'])
    t.is(sent.headers[name], undefined, name);
  t.false(JSON.stringify([sent.headers, sent.raw.toString()]).includes('the-task-token'));
  t.is(sent.raw.toString(), JSON.stringify({ ...ASK, stream: true }));
  t.regex(String(response.headers.get('request-id')), /^req_/);
  t.truthy(response.headers.get('anthropic-ratelimit-requests-remaining'));
  t.is(response.headers.get('anthropic-organization-id'), null);
  t.is(response.headers.get('errand-budget-remaining-usd'), '5.0000');
});

test('forwards each event as soon as it arrives', async (t) => {
  const { client, model } = await startModelProxy(t, {
    script: [{ text: 'one two three', fault: { fault: 'stall', at_byte: 1400 } }],
    piece_chars: 4,
    timeouts: { linger_ms: 50 },
  });
  const stream = client.beta.messages.stream(ASK);
  const text = await new Promise<string>((resolve) => stream.once('text', resolve));
  t.is(text, 'one ');
  await leave(t, stream);
  t.is(await (await model.request(0)).ended, 'aborted');
});

test('reads an answer to its end when the worker hangs up, and charges for what it cost', async (t) => {
  const { client, model, task, busy } = await startModelProxy(t, {
    script: [{ text: 'word '.repeat(20), output_tokens: 77, fault: { fault: 'drip', pause_ms: 30 } }],
  });
  const stream = client.beta.messages.stream(ASK);
  await stream.emitted('text');
  await leave(t, stream);
  await until('nothing is forwarded', () => busy() === 0);
  t.is(task().usage.requests, 0);
  t.is(await (await model.request(0)).ended, 'finished');
  await until('it is charged', () => task().usage.requests === 1);
  t.is(task().usage.output_tokens, 77);
});

test('an answer that is not streamed is read to its end as well, even if nothing of it has come', async (t) => {
  const { url, model, task } = await startModelProxy(t, { script: [{ text: 'a', output_tokens: 1_900 }] });
  const aborted = new AbortController();
  const body = JSON.stringify({ ...ASK, stream: false });
  const headers = { 'content-type': 'application/json', authorization: 'Bearer x', 'anthropic-version': '2026-10-21' };
  const asked = fetch(`${url}/v1/messages`, { method: 'POST', body, headers, signal: aborted.signal });
  void model.request(0).then(() => aborted.abort());
  await asked.catch(() => undefined);
  await until('it is charged', () => task().usage.requests === 1);
  t.is(task().usage.output_tokens, 1_900);
});

test('aborts the API request some time after the worker hung up, and charges for the worst case', async (t) => {
  const { client, model, task, lines, late_errors, busy } = await startModelProxy(t, {
    script: [{ text: 'word '.repeat(200), fault: { fault: 'stall', at_byte: 3000 } }],
    timeouts: { linger_ms: 50 },
  });
  const stream = client.beta.messages.stream(ASK);
  await stream.emitted('text');
  await leave(t, stream);
  t.is(await (await model.request(0)).ended, 'aborted');
  await until('it is charged', () => task().usage.requests === 1);
  const { input_tokens, output_tokens } = task().usage;
  t.true(input_tokens > 0 && output_tokens > 10, JSON.stringify(task().usage));
  t.true(lines.some((line) => line.includes('cut off')));
  await until('nothing is in progress', () => busy() === 0);
  t.deepEqual(late_errors, []);
});

test('cuts the stream when the attempt ends, and refuses further requests', async (t) => {
  const { client, model, end, task } = await startModelProxy(t, {
    script: [{ text: 'word '.repeat(200), fault: { fault: 'stall', at_byte: 3000 } }],
    timeouts: { linger_ms: 50 },
  });
  const stream = client.beta.messages.stream(ASK);
  await stream.emitted('text');
  end();
  await t.throwsAsync(stream.done(), { message: /terminated/ });
  t.is(await (await model.request(0)).ended, 'aborted');
  await until('it is charged', () => task().usage.requests === 1);
  const error = await t.throwsAsync(client.beta.messages.stream(ASK).finalMessage(), {
    instanceOf: PermissionDeniedError,
  });
  t.is(error?.headers.get('x-should-retry'), 'false');
});

test('ends a stream that sends nothing for too long', async (t) => {
  const { client, model, busy } = await startModelProxy(t, {
    script: [{ text: 'x', fault: { fault: 'stall', at_byte: 1000 } }],
    timeouts: { idle_ms: 200 },
  });
  await t.throwsAsync(client.beta.messages.stream(ASK).finalMessage(), { message: /terminated/ });
  t.is(await (await model.request(0)).ended, 'aborted');
  await until('nothing is in progress', () => busy() === 0);
});

test('forwards errors of the API unchanged, and charges nothing for them', async (t) => {
  const { client, model, task, busy } = await startModelProxy(t, { script: [{ text: 'at last' }] });
  model.fail(faults.rateLimited(0), faults.overloaded());
  t.like(await client.beta.messages.stream(ASK).finalMessage(), { stop_reason: 'end_turn' });
  t.is(model.requests.length, 3);
  model.fail(faults.rateLimited(3600));
  const error = await t.throwsAsync(client.beta.messages.create(ASK, { maxRetries: 0 }), {
    instanceOf: RateLimitError,
  });
  t.is(error?.headers.get('retry-after'), '3600');
  t.regex(error?.requestID ?? '', /^req_/);
  await until('nothing is in progress', () => busy() === 0);
  t.is(task().usage.requests, 1);
});

test('a connection that breaks before any answer is charged: the API may have worked on the request', async (t) => {
  const http = createServer((request, response) => {
    request.resume().once('end', () => response.destroy());
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => http.close());
  const base_url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const { client, task } = await startModelProxy(t, { upstream: { base_url } });
  await t.throwsAsync(client.beta.messages.create(ASK, { maxRetries: 0 }), { instanceOf: InternalServerError });
  await until('it is charged', () => task().usage.requests === 1);
  t.is(task().usage.output_tokens, ASK.max_tokens);
});

test('reports that the API cannot be reached, and charges nothing', async (t) => {
  const { client, task, busy } = await startModelProxy(t, { upstream: { base_url: 'http://127.0.0.1:1' } });
  const error = await t.throwsAsync(client.beta.messages.create(ASK, { maxRetries: 0 }), {
    instanceOf: InternalServerError,
  });
  t.is(error?.status, 502);
  t.regex(error?.message ?? '', /could not be reached/);
  await until('nothing is in progress', () => busy() === 0);
  t.is(task().usage.requests, 0);
});

test('never follows a redirect with the API key', async (t) => {
  let asked = 0;
  const http = createServer((_, response) => {
    asked++;
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => http.close());
  const { port } = http.address() as AddressInfo;
  const { client } = await startModelProxy(t, { upstream: { base_url: `http://127.0.0.1:${port}` } });
  const error = await t.throwsAsync(client.beta.messages.create(ASK, { maxRetries: 0 }), {
    instanceOf: InternalServerError,
  });
  t.is(error?.status, 502);
  t.is(asked, 1);
});

test('counts tokens for free, even with a spent budget', async (t) => {
  const { client, task, db, busy } = await startModelProxy(t, { budget_usd: 1 });
  db.prepare('UPDATE tasks SET cost_usd = 1').run();
  const { input_tokens } = await client.beta.messages.countTokens({ model: ASK.model, messages: ASK.messages });
  t.true(input_tokens > 0);
  await until('nothing is in progress', () => busy() === 0);
  t.is(task().usage.requests, 0);
});

test('refuses a model without a price, and every path except two', async (t) => {
  const { client, model } = await startModelProxy(t, { script: [] });
  await t.throwsAsync(client.beta.messages.create({ ...ASK, model: 'claude-unheard-of' }), {
    instanceOf: PermissionDeniedError,
    message: /no price/,
  });
  await t.throwsAsync(client.models.list(), { instanceOf: NotFoundError });
  await t.throwsAsync(client.post('/v1/messages/batches', { body: {} }), { instanceOf: NotFoundError });
  await t.throwsAsync(client.post('/v1/messages/../files', { body: {} }), { instanceOf: NotFoundError });
  t.is(model.requests.length, 0);
});

test('limits the requests that a task may have in progress', async (t) => {
  const { client, model } = await startModelProxy(t, {
    handler: () => ({ text: 'x', fault: { fault: 'stall', at_byte: 1000 } }),
  });
  const open = Array.from({ length: LIMITS.llm_requests_at_once_max }, () => client.beta.messages.stream(ASK));
  await until('all are in progress', () => model.requests.length === open.length);
  const error = await t.throwsAsync(client.beta.messages.create(ASK, { maxRetries: 0 }), {
    instanceOf: RateLimitError,
  });
  t.is(error?.type, 'rate_limit_error');
  await Promise.all(open.map((stream) => leave(t, stream)));
});

test('refuses a body that is too large or compressed, and sends none of it', async (t) => {
  const { url, model } = await startModelProxy(t, { script: [] });
  const post = (body: Buffer, headers: Record<string, string> = {}) =>
    fetch(`${url}/v1/messages`, { method: 'POST', body: new Uint8Array(body), headers });
  const large = await post(Buffer.alloc(LIMITS.llm_body_bytes_max + 1, 'x'));
  t.is(large.status, 413);
  t.like(await large.json(), { type: 'error', error: { type: 'request_too_large' }, request_id: 'request-1' });
  t.is((await post(Buffer.from('{}'), { 'content-encoding': 'gzip' })).status, 415);
  t.is((await post(Buffer.from('{"model"'))).status, 400);
  t.is(model.requests.length, 0);
});
