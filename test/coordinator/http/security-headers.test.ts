import test from 'ava';
import { request, type IncomingHttpHeaders } from 'node:http';
import { startApi } from '../../support/start-api.ts';

/** Unlike `fetch` it may name another host. */
const headersOf = (url: string, headers: Record<string, string>) =>
  new Promise<IncomingHttpHeaders>((resolve, reject) => {
    const sent = request(url, { headers }, (response) => {
      response.resume();
      resolve(response.headers);
    });
    sent.on('error', reject).end();
  });

test('every answer of the API, a refusal too, can neither be framed nor run a script nor tell where it was asked', async (t) => {
  const { url } = await startApi(t);
  for (const path of ['/healthz', '/openapi.json', '/nowhere', '/me', '/%']) {
    const headers = await headersOf(url + path, {});
    t.regex(String(headers['content-security-policy']), /^default-src 'none';.* frame-ancestors 'none'$/, path);
    t.is(headers['referrer-policy'], 'no-referrer', path);
    t.is(headers['x-content-type-options'], 'nosniff', path);
  }
});

const PUBLIC = 'https://errand.example.org';
const FORWARDED = { 'x-forwarded-proto': 'https' };

for (const [what, env, headers, expected] of [
  ['over plain HTTP', {}, {}, false],
  ['where somebody claims to be a proxy', {}, FORWARDED, false],
  [
    'over TLS at a name that others may share',
    { ERRAND_TRUST_PROXY: 'true', ERRAND_PUBLIC_URL: PUBLIC },
    { ...FORWARDED, host: 'errand.example.org' },
    false,
  ],
  ['at a domain without TLS', { ERRAND_DOMAIN: 'errand.example.org' }, { host: 'errand.example.org' }, false],
  ['at a domain', { ERRAND_DOMAIN: 'errand.example.org' }, { ...FORWARDED, host: 'errand.example.org' }, true],
] as const)
  test(`HSTS is ${expected ? 'set' : 'not set'} ${what}`, async (t) => {
    const { url } = await startApi(t, env);
    const answer = await headersOf(`${url}/healthz`, headers);
    t.is(answer['strict-transport-security'], expected ? 'max-age=31536000' : undefined);
  });
