import test, { type ExecutionContext } from 'ava';
import type { WorkSettings } from '../../../agent-container/loop/run.ts';
import type { FailureReason } from '../../../protocol/task.ts';
import { bench } from '../../support/agent-work.ts';
import { faults, type Fault, type Turn } from '../../support/model/server.ts';

const DONE: Turn = { thinking: 'Nothing to do, it seems.', text: 'Nothing had to change.' };
const status = (code: number, type: string, message: string, headers: Record<string, string> = {}): Fault => ({
  fault: 'status',
  status: code,
  type,
  message,
  headers,
});

/** A run whose first requests fail like this. */
async function after(t: ExecutionContext, failures: Fault[], settings: Partial<WorkSettings> = {}) {
  const b = await bench(t, { script: [DONE] });
  b.model.fail(...failures);
  const end = await b.run({}, settings);
  return { ...b, end, reasons: b.of('turn.retried').map(({ reason }) => reason) };
}

const TRANSIENT: [string, Fault][] = [
  ['a rate limit', faults.rateLimited(0)],
  ['an overload', faults.overloaded()],
  ['an error of the server', faults.serverError()],
  ['a request timeout', status(408, 'timeout_error', 'Timed out')],
  ['a conflict', status(409, 'conflict_error', 'Locked')],
  ['an error that the API says to retry', status(400, 'invalid_request_error', 'Odd', { 'x-should-retry': 'true' })],
  ['an expired task token', status(401, 'authentication_error', 'Expired', { 'x-should-retry': 'true' })],
  ['an overload inside the stream', faults.overloadedMidStream(3)],
  ['a stream that is cut', { fault: 'cut', at_byte: 1500 }],
  ['a stream that ends too early', { fault: 'end', at_byte: 1500 }],
];
for (const [what, fault] of TRANSIENT)
  test(`retries after ${what}`, async (t) => {
    const { end, reasons, of, model } = await after(t, [fault]);
    t.is(end.status, 'succeeded');
    t.is(reasons.length, 1, reasons.join(' | '));
    t.is(model.requests.length, 2);
    // The partial response is discarded: the same request is made again.
    t.deepEqual(model.requests[0]?.raw, model.requests[1]?.raw);
    t.is(of('turn.finished').length, 1);
  });

test('an answer that is broken off again and again is given up sooner: each time costs what it had said', async (t) => {
  const cut: Fault = { fault: 'cut', at_byte: 1500 };
  const { end, model } = await after(t, [cut, faults.overloaded(), cut, cut], { broken_answers_max: 2 });
  t.is(end.reason, 'model_unavailable');
  t.is(model.requests.length, 3);
});

const FINAL: [string, Fault, FailureReason][] = [
  ['a spent budget', status(429, 'billing_error', 'Spent.', { 'x-should-retry': 'false' }), 'budget_exhausted'],
  // No budget of an errand changes what the owner of the API account has not paid.
  ['a missing payment', status(402, 'billing_error', 'Pay.'), 'model_rejected'],
  ['an invalid key', status(401, 'authentication_error', 'Bad key'), 'model_rejected'],
  ['a model that is not allowed', status(403, 'permission_error', 'No'), 'model_rejected'],
  ['a model that does not exist', status(404, 'not_found_error', 'model: x'), 'model_rejected'],
  ['a request that the API refuses', status(400, 'invalid_request_error', 'tools: wrong'), 'model_rejected'],
  [
    'a permanent error inside the stream',
    { fault: 'error_event', type: 'invalid_request_error', message: 'No', after_events: 2 },
    'model_rejected',
  ],
  [
    'an error that the API says not to retry',
    status(500, 'api_error', 'Down', { 'x-should-retry': 'false' }),
    'model_unavailable',
  ],
  ['a limit that resets in hours', faults.rateLimited(3 * 3600), 'model_unavailable'],
];
for (const [what, fault, reason] of FINAL)
  test(`does not retry after ${what}`, async (t) => {
    const { end, model } = await after(t, [fault]);
    t.is(end.status, 'failed');
    t.is(end.reason, reason);
    t.is(model.requests.length, 1);
  });

for (const [error_code, status] of [
  ['enforced_spend_limit_reached', 429],
  ['contract_spend_limit_reached', 429],
  ['linked_organization_spend_limit_reached', 402],
] as const)
  test(`does not wait for a spending limit of the API account: ${error_code}`, async (t) => {
    const b = await bench(t);
    b.fetch = async () => {
      const error = { type: 'rate_limit_error', message: 'Your limit is reached.', details: { error_code } };
      return Response.json({ type: 'error', error }, { status, headers: { 'retry-after': '3600' } });
    };
    t.is((await b.run()).reason, 'model_rejected');
    t.is(b.of('turn.retried').length, 0);
  });

test('waits until a limit resets, and says until when', async (t) => {
  const { end, waits, of } = await after(t, [faults.rateLimited(1)]);
  t.is(end.status, 'succeeded');
  const wait = waits.find((wait) => wait?.kind === 'limit');
  t.true(wait?.kind === 'limit' && Date.parse(wait.until) - Date.parse(wait.since) === 1000);
  t.regex(wait?.kind === 'limit' ? wait.reason : '', /rate limit/);
  t.true(Date.parse(of('turn.retried')[0]?.retry_at ?? '') > 0);
});

const HOURS = 3 * 3_600_000;
const LATER: [string, Fault, number | null][] = [
  ['in seconds', faults.rateLimited(HOURS / 1000), HOURS],
  [
    'as a date',
    status(429, 'rate_limit_error', 'x', { 'retry-after': new Date(Date.now() + HOURS).toUTCString() }),
    HOURS,
  ],
  ['with an error of the server', status(529, 'overloaded_error', 'x', { 'retry-after': String(HOURS / 1000) }), HOURS],
  [
    'with a ban on a retry',
    status(503, 'api_error', 'x', { 'retry-after': String(HOURS / 1000), 'x-should-retry': 'false' }),
    HOURS,
  ],
  ['that is absurd', status(429, 'rate_limit_error', 'x', { 'retry-after': '99999999999999' }), 366 * 24 * 3_600_000],
  ['that is not named', status(503, 'api_error', 'x', { 'x-should-retry': 'false' }), null],
];
for (const [what, fault, wait_ms] of LATER)
  test(`a wait ${what} that is long ends the attempt, with the time of the next`, async (t) => {
    const { end, model } = await after(t, [fault]);
    t.like(end, { status: 'failed', reason: 'model_unavailable' });
    t.is(model.requests.length, 1);
    if (wait_ms === null) t.is(end.retry_at ?? null, null);
    else t.true(Math.abs(Date.parse(end.retry_at ?? '') - Date.now() - wait_ms) < 60_000, end.retry_at ?? 'none');
  });

test('gives up after the maximum of failures in a row', async (t) => {
  const { end, model } = await after(t, Array.from({ length: 9 }, faults.overloaded));
  t.is(end.reason, 'model_unavailable');
  t.is(model.requests.length, 4);
  t.regex(end.detail ?? '', /Overloaded.*4 times/);
});

test('waits for a coordinator that is down for as long as it takes, and reports it once', async (t) => {
  const b = await bench(t, { script: [DONE] });
  let tries = 0;
  const connected = b.fetch;
  b.fetch = async (url, init) => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    if (++tries <= 12) throw new TypeError('fetch failed', { cause });
    return connected(url, init);
  };
  t.is((await b.run()).status, 'succeeded');
  t.is(b.model.requests.length, 1);
  t.deepEqual(
    b.of('turn.retried').map(({ reason }) => reason),
    ['The server cannot be reached (ECONNREFUSED).'],
  );
});

test('gives up if every try breaks off after it was sent, with or without an explanation', async (t) => {
  const b = await bench(t, { script: [DONE] });
  b.fetch = async () =>
    new Response('event: error\ndata: {"message":"the gateway is at its end"}\n\n', {
      headers: { 'content-type': 'text/event-stream' },
    });
  t.is((await b.run()).reason, 'model_unavailable');
  t.is(b.of('turn.retried').length, 3);
  const reset = await bench(t, { script: [DONE] });
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  reset.fetch = async () => Promise.reject(new TypeError('fetch failed', { cause }));
  t.is((await reset.run()).reason, 'model_unavailable');
});

test('retries if the API stalls in a response, or gives none', async (t) => {
  const stalled = await after(t, [{ fault: 'stall', at_byte: 1500 }], { idle_ms: 2_000 });
  t.is(stalled.end.status, 'succeeded');
  t.regex(stalled.reasons[0] ?? '', /sent nothing for/);
  const silent = await after(t, [{ fault: 'silence' }], { headers_ms: 2_000 });
  t.is(silent.end.status, 'succeeded');
  t.regex(silent.reasons[0] ?? '', /did not answer in time/);
});

test('waits for a response that comes slowly', async (t) => {
  const b = await bench(t, { script: [{ ...DONE, fault: { fault: 'drip', pause_ms: 250 } }] });
  const began = performance.now();
  t.is((await b.run({}, { idle_ms: 2_000 })).status, 'succeeded');
  t.true(performance.now() - began > 2_000);
  t.is(b.of('turn.retried').length, 0);
});

test('leaves out old thinking blocks if the API refuses them', async (t) => {
  const b = await bench(t, {
    script: [{ thinking: 'Hm, hm.', tools: [{ name: 'run_command', input: { command: 'true' } }] }, DONE],
  });
  const ending = b.run();
  await b.event('turn.finished');
  b.model.fail(status(400, 'invalid_request_error', 'messages.1.content.0: Invalid `signature` in `thinking` block'));
  t.is((await ending).status, 'succeeded');
  t.true(b.model.requests[1]?.raw.includes('Hm, hm.'));
  t.false(b.model.requests[2]?.raw.includes('Hm, hm.'));
});

test('leaves out images if the API cannot process one', async (t) => {
  const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  const b = await bench(t, {
    script: [
      { tools: [{ name: 'run_command', input: { command: `echo ${png} | base64 -d > dot.png` } }] },
      { tools: [{ name: 'read_file', input: { path: 'dot.png' } }] },
      DONE,
    ],
  });
  const ending = b.run();
  await b.event('turn.finished', ({ body }) => body.turn === 2);
  b.model.fail(status(400, 'invalid_request_error', 'Could not process image'));
  t.is((await ending).status, 'succeeded');
  t.true(b.model.requests[2]?.raw.includes('"image"'));
  t.false(b.model.requests[3]?.raw.includes('"image"'));
});

test('a cancel ends a request at once', async (t) => {
  const b = await bench(t, { script: [{ ...DONE, fault: { fault: 'stall', at_byte: 1500 } }] });
  const ending = b.run();
  await b.delta();
  b.abort.abort();
  t.is((await ending).status, 'cancelled');
  const [request] = b.model.requests;
  t.is(await request?.ended, 'aborted');
});

test('a cancel ends the wait for a limit', async (t) => {
  const b = await bench(t, { script: [DONE] });
  b.model.fail(faults.rateLimited(1000));
  const ending = b.run({}, { wait_total_ms: 1e7 });
  await b.event('turn.retried');
  b.abort.abort();
  t.is((await ending).status, 'cancelled');
});
