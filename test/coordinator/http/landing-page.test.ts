import { createHash } from 'node:crypto';
import { request } from 'node:http';
import test from 'ava';
import { readProblem } from '../../support/api.ts';
import { startApi, type StartedApi } from '../../support/start-api.ts';

/** What Firefox and Chromium send, more or less. */
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

type Got = { status: number; headers: NodeJS.Dict<string | string[]>; text: string };

function get({ url }: StartedApi, headers: Record<string, string> = {}, method = 'GET', path = '/'): Promise<Got> {
  return new Promise((resolve, reject) => {
    const sent = request(url + path, { method, headers: { accept: BROWSER, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.on('error', reject).end();
  });
}

/** The command that the page tells to log in with. */
const loginOf = ({ text }: Got): string =>
  (/<pre>(.*errand.*(?:login|signup).*)<\/pre>/.exec(text)?.[1] ?? '').replace(/<\/?span>/g, '');

test('a browser gets a page that says what this is and how to log in', async (t) => {
  const server = await startApi(t);
  const got = await get(server);
  t.is(got.status, 200);
  t.is(got.headers['content-type'], 'text/html; charset=utf-8');
  t.is(got.headers.vary, 'Accept');
  t.is(loginOf(got), 'npx errand signup THE-LINK-THAT-IT-PRINTED');
  t.regex(got.text, /it printed a link with a one-time code/);
  const head = await get(server, {}, 'HEAD');
  t.is(head.status, 200);
  t.is(head.headers['content-type'], 'text/html; charset=utf-8');
  t.is(head.text, '');
});

test('whoever does not ask for HTML gets a problem document', async (t) => {
  const { url } = await startApi(t);
  for (const accept of ['*/*', 'application/json', 'application/problem+json, */*;q=0.1', 'image/png'])
    t.is((await readProblem(await fetch(url, { headers: { accept } }))).code, 'not_found', accept);
  const browser = { accept: BROWSER };
  t.is((await readProblem(await fetch(`${url}/nowhere`, { headers: browser }))).code, 'not_found');
  t.is((await readProblem(await fetch(url, { method: 'POST', headers: browser }))).code, 'not_found');
});

test('the page runs no script and loads nothing, and its policy allows no more', async (t) => {
  const { headers, text } = await get(await startApi(t));
  const style = /<style>(.*)<\/style>/s.exec(text)?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  t.is(
    headers['content-security-policy'],
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  t.is(headers['x-content-type-options'], 'nosniff');
  t.false(/<script|<link|<img|<iframe|url\(|@import|\son\w+=|\sstyle=/i.test(text));
  t.deepEqual(
    [...text.matchAll(/href="([^"]*)"/g)].map(([, href]) => href),
    ['/openapi.json', '/readyz'],
  );
});

test('the address is that of the Host header', async (t) => {
  const server = await startApi(t, { ERRAND_HOSTS: 'errand.example,[2001:db8::1]' });
  await server.person();
  const shown = async (host: string) => /--server (\S+)/.exec(loginOf(await get(server, { host })))?.[1];
  for (const host of ['errand.example', 'errand.example:8443', '127.0.0.1:1', '[2001:db8::1]:8787', 'LOCALHOST'])
    t.is(await shown(host), `http://${host}`);
  for (const host of ['<script>', 'a"b', 'a;id', '$(id)', '`id`', 'evil.example', 'x'.repeat(300)])
    t.is((await get(server, { host })).status, 403, host);
});

test('behind a trusted proxy the address is the published one', async (t) => {
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'errand.example' };
  const trusting = await startApi(t, { ERRAND_TRUST_PROXY: 'true' });
  await trusting.person();
  t.true(loginOf(await get(trusting, headers)).includes('--server https://errand.example'));
  const hostile = { 'x-forwarded-proto': 'javascript"><script>', 'x-forwarded-host': '"><script>' };
  t.true(loginOf(await get(trusting, hostile)).includes('--server ADDRESS-OF-THIS-PAGE'));
  const proto = { ...headers, 'x-forwarded-proto': '<script>alert(1)</script>' };
  t.true(loginOf(await get(trusting, proto)).includes('--server http://errand.example'));
  const direct = await startApi(t);
  await direct.person();
  t.true(loginOf(await get(direct, headers)).includes(`--server ${direct.url}`));
});

test('the public address of the settings goes before the one that was asked for', async (t) => {
  const server = await startApi(t, { ERRAND_PUBLIC_URL: 'https://errand.example/a&b/' });
  await server.person();
  t.true(loginOf(await get(server)).includes('--server https://errand.example/a&#38;b'));
});

test('it says whether an account can be made', async (t) => {
  const open = await startApi(t);
  t.regex((await get(open)).text, /Whoever signs up with that link owns this server/);
  t.false((await get(open)).text.includes(open.setup_code));
  await open.person();
  t.regex((await get(open)).text, /No account yet\? Type <code>signup/);
  const closed = await startApi(t, { ERRAND_SIGNUP: 'closed' });
  await closed.person();
  const page = await get(closed);
  t.regex(page.text, /Sign-up is closed/);
  t.false(page.text.includes('signup'));
});
