import { request } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { startApi } from '../../support/start-api.ts';

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

/** Gets `/` with these headers; `fetch` would not send a Host header of one's own. */
async function get(t: ExecutionContext, headers: Record<string, string>, method = 'GET', env = {}) {
  const { url, person } = await startApi(t, env);
  const ask = async () => {
    const call = request(`${url}/`, { headers, method });
    call.end();
    const [response] = await once(call, 'response');
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  };
  return { ...(await ask()), url, ask, person };
}

test('a browser gets a page that says how to log in, at the address that it came to', async (t) => {
  const { status, headers, body, url } = await get(t, BROWSER);
  t.is(status, 200);
  t.is(headers['content-type'], 'text/html; charset=utf-8');
  t.true(body.includes(`npx errand login --server ${url} --signup`));
  t.true(body.includes('npx errand task'));
});

test('the page runs no script, loads nothing, and cannot be framed', async (t) => {
  const { headers, body } = await get(t, BROWSER);
  t.regex(
    String(headers['content-security-policy']),
    /^default-src 'none'; style-src 'sha256-[^']+'; .*frame-ancestors 'none'$/,
  );
  t.false(/<script|src=|url\(|@import/.test(body));
  t.is(headers['x-content-type-options'], 'nosniff');
});

test('it says who can sign up, before and after there is an owner', async (t) => {
  const { body, ask, person } = await get(t, BROWSER, 'GET', { ERRAND_SIGNUP: 'closed' });
  t.regex(body, /The first person to sign up owns this server/);
  await person();
  const later = await ask();
  t.regex(later.body, /Accounts are made by the owner/);
  t.false(later.body.includes('--signup'));
});

for (const host of ['"><script>alert(1)</script>', 'two words', 'x;rm -rf /', '$(id)', 'a&b'])
  test(`a Host header that is no host is not shown: ${host}`, async (t) => {
    const { status, body } = await get(t, { ...BROWSER, host });
    if (status === 200) t.true(body.includes('ADDRESS-OF-THIS-PAGE') && !body.includes(host));
    else t.is(status, 400);
  });

test('what a proxy says of the protocol is not shown, unless it is https', async (t) => {
  const trusted = { ERRAND_TRUST_PROXY: 'true' };
  const hostile = await get(t, { ...BROWSER, 'x-forwarded-proto': '<script>alert(1)</script>' }, 'GET', trusted);
  t.false(hostile.body.includes('<script'));
  const { body } = await get(t, { ...BROWSER, 'x-forwarded-proto': 'https' }, 'GET', trusted);
  t.true(body.includes('login --server https://'));
});

test('a program gets the problem document of the API, as do other paths and methods', async (t) => {
  for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }] as Record<string, string>[]) {
    const { status, headers: got, body } = await get(t, headers);
    t.is(status, 404);
    t.is(got['content-type'], 'application/problem+json');
    t.is(JSON.parse(body).code, 'not_found');
  }
  const { status } = await get(t, BROWSER, 'POST');
  t.is(status, 404);
});

test('HEAD gets the headers of the page and no body', async (t) => {
  const { status, headers, body } = await get(t, BROWSER, 'HEAD');
  t.is(status, 200);
  t.is(headers['content-type'], 'text/html; charset=utf-8');
  t.is(body, '');
});
