import { RateLimitError } from '@anthropic-ai/sdk';
import test from 'ava';
import { LIMITS } from '../../../../protocol/limits.ts';
import { requestHeaders } from '../../../../coordinator/worker-api/model/headers.ts';
import { ASK, startModelProxy } from '../../../support/model-proxy-scene.ts';

test('only headers that describe the request reach the API, and only betas of the list', (t) => {
  const given = {
    'anthropic-version': '2026-10-21',
    'anthropic-beta': 'fast-mode-2026-02-01, compact-2026-09-04,message-threads-2026-08-12, files-api-2025-04-14 ,,',
    'anthropic-workspace-id': 'w',
    'anthropic-user-profile-id': 'u',
    'anthropic-organization-id': 'o',
    'anthropic-dangerous-direct-browser-access': 'true',
    'anthropic-anything-new': 'x',
    authorization: 'Bearer the-task-token',
    'x-api-key': 'k',
    cookie: 'a=b',
    'user-agent': 'agent/1',
  };
  t.deepEqual(requestHeaders(given, 'the-key'), {
    'accept-encoding': 'identity',
    'anthropic-beta': 'compact-2026-09-04',
    'anthropic-version': '2026-10-21',
    authorization: 'Bearer the-key',
    'user-agent': 'agent/1',
  });
  for (const beta of ['server-side-fallback-2026-07-01', 'fast-mode-2026-02-01', 'compact-2026-09-04x', 'COMPACT'])
    t.is(requestHeaders({ 'anthropic-beta': beta }, 'k')['anthropic-beta'], undefined);
});

test('requests of a task are limited in a minute, those that count tokens or are refused included', async (t) => {
  const { url, model } = await startModelProxy(t, { handler: () => ({ text: 'ok' }) });
  const send = async (path: string, body: unknown) => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    await response.text();
    return response;
  };
  const kinds: [path: string, body: unknown][] = [
    ['/v1/messages/count_tokens', { model: ASK.model, messages: ASK.messages }],
    ['/v1/messages', '{'],
    ['/v1/messages', { ...ASK, fallbacks: 'default' }],
    ['/v1/files', {}],
  ];
  let refused: Response | undefined;
  let sent = 0;
  for (; !refused && sent < 2 * LIMITS.llm_requests_per_minute_max; sent++) {
    const [path, body] = kinds[sent % kinds.length] ?? ['', ''];
    const response = await send(path, body);
    if (response.status === 429) refused = response;
  }
  t.true(sent > LIMITS.llm_requests_per_minute_max);
  t.truthy(refused);
  t.is(refused?.headers.get('retry-after'), '1');
  const before = model.requests.length;
  await send('/v1/messages/count_tokens', { model: ASK.model, messages: ASK.messages });
  t.true(model.requests.length <= before + 1);
});

test('a task asks for its own model and those of its project, and for no longer answers than the project allows', async (t) => {
  const rules = { models: ['claude-sonnet-5-5', 'claude-haiku-4-5'], max_tokens: 1_500 as number | null };
  const { url, model, task } = await startModelProxy(t, { handler: () => ({ text: 'ok' }), rules: () => rules });
  const send = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, text: await response.text() };
  };
  for (const path of ['/v1/messages', '/v1/messages/count_tokens'])
    for (const name of ['claude-opus-5-5', 'claude-opus-5-5-20261001', 'claude-sonnet-5', 'claude-fable-5-1']) {
      const { max_tokens: _, ...counted } = ASK;
      const body = path.endsWith('count_tokens') ? counted : ASK;
      const { status, text } = await send(path, { ...body, model: name });
      t.is(status, 403);
      t.regex(text, /may not use the model 'claude-.*', only claude-sonnet-5-5, claude-haiku-4-5\. Its project/);
    }
  t.is(model.requests.length, 0);
  const sent: [asked: object, max_tokens: number][] = [
    [{ max_tokens: 64_000 }, 1_500],
    [{ max_tokens: 1_500, model: 'claude-haiku-4-5-20251001' }, 1_500],
    [{ max_tokens: 7 }, 7],
    [{ max_tokens: 0 }, 0],
  ];
  for (const [asked, max_tokens] of sent) {
    const { status, text } = await send('/v1/messages', { ...ASK, ...asked });
    t.is(status, 200, text);
    const { raw } = await model.request(model.requests.length - 1);
    t.deepEqual(JSON.parse(raw.toString()), { ...ASK, ...asked, max_tokens });
  }
  rules.max_tokens = null;
  await send('/v1/messages', { ...ASK, max_tokens: 64_000 });
  t.is(JSON.parse((await model.request(sent.length)).raw.toString()).max_tokens, 64_000);
  t.true(task().usage.cost_usd > 0);
});

test('an errand whose person has spent the month is told until when to wait, and not to retry before', async (t) => {
  for (const caps of [{ person_month_usd: 0.001 }, { server_month_usd: 0.001 }]) {
    const { url, model, client } = await startModelProxy(t, { handler: () => ({ text: 'ok' }), caps });
    const response = await fetch(`${url}/v1/messages`, { method: 'POST', body: JSON.stringify(ASK) });
    t.is(response.status, 429);
    t.is(response.headers.get('x-should-retry'), 'false');
    const seconds = Number(response.headers.get('retry-after'));
    const end = new Date(Date.now() + seconds * 1000);
    t.deepEqual([end.getUTCDate(), end.getUTCHours()], [1, 0]);
    t.like(await response.json(), { error: { type: 'rate_limit_error' } });
    // The SDK does not retry, and counting stays free.
    await t.throwsAsync(client.beta.messages.create(ASK), { instanceOf: RateLimitError, message: /a month/ });
    t.is(model.requests.length, 0);
    t.is((await client.beta.messages.countTokens({ model: ASK.model, messages: ASK.messages })).input_tokens > 0, true);
  }
});
