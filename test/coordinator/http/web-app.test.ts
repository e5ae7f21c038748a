import { createHash } from 'node:crypto';
import { request, type IncomingHttpHeaders } from 'node:http';
import { brotliDecompressSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { openWebApp } from '../../../coordinator/web/build.ts';
import { ROUTES } from '../../../coordinator/web/store/routes.ts';
import { readProblem } from '../../support/api.ts';
import { startApi } from '../../support/start-api.ts';

/** What Firefox and Chromium send, more or less. */
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const ADDRESSES = Object.values(ROUTES).map((route) => route.replace(':id', '01abc'));
/** The first view: its files in brotli with the headers of their answers, and its requests. */
const FIRST_VIEW = { bytes_max: 80_000, requests_max: 6 };
/** Stands in the code of each schema of an object. */
const SCHEMA = 'ZodObject';

const startWeb = async (t: ExecutionContext) => startApi(t, {}, undefined, undefined, await openWebApp());

/** `bytes`: of the answer as it was sent, with its headers. */
type Got = { status: number; headers: IncomingHttpHeaders; body: Buffer; bytes: number };

/** Unlike `fetch` it shows the body as it was sent. */
function get(url: string, headers: Record<string, string>, method = 'GET'): Promise<Got> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { statusCode: status = 0, statusMessage = '', headers, rawHeaders } = response;
        const body = Buffer.concat(chunks);
        // Behind each name there is a colon and a space, behind each value and the status line a line break.
        const head =
          `HTTP/1.1 ${status} ${statusMessage}\r\n\r\n`.length + rawHeaders.join('').length + 2 * rawHeaders.length;
        resolve({ status, headers, body, bytes: head + body.length });
      });
    });
    sent.on('error', reject).end();
  });
}

/** The files of its own server that a page loads at once. The page names them below its base. */
const filesOf = (page: string) =>
  [
    ...page.matchAll(/<(?:script|link rel="(?:stylesheet|modulepreload|manifest|icon)")[^>]* (?:src|href)="([^"]+)"/g),
  ].map(([, path = '']) => `/${path}`);

test('a browser gets the app at each of its addresses', async (t) => {
  const { url } = await startWeb(t);
  const first = await get(url, { accept: BROWSER });
  t.is(first.headers['content-type'], 'text/html; charset=utf-8');
  for (const address of ADDRESSES) {
    const { status, body } = await get(url + address, { accept: BROWSER });
    t.is(status, 200, address);
    const [tag = '', base = ''] = /<base href="([^"]+)">/.exec(body.toString()) ?? [];
    t.is(new URL(base, url + address).href, `${url}/`, address);
    t.is(body.toString().replace(tag, '<base href="./">'), first.body.toString(), address);
  }
  const head = await get(url, { accept: BROWSER }, 'HEAD');
  t.is(head.status, 200);
  t.is(head.body.length, 0);
});

test('whoever does not ask for HTML gets the API at every address', async (t) => {
  const { url } = await startWeb(t);
  for (const accept of ['*/*', 'application/json', 'application/problem+json, */*;q=0.1', 'image/png'])
    for (const path of ['', '/nowhere', '/errands/A'])
      t.is((await readProblem(await fetch(url + path, { headers: { accept } }))).code, 'not_found', accept + path);
  const headers = { accept: BROWSER };
  t.is((await readProblem(await fetch(url, { method: 'POST', headers }))).code, 'not_found');
  for (const path of ['/tasks', '/projects', '/me'])
    t.is((await readProblem(await fetch(url + path))).code, 'unauthenticated', path);
});

test('a browser gets a page for a problem, in its language, with the way to the app', async (t) => {
  const { url } = await startWeb(t);
  const pageOf = async (path: string, headers: Record<string, string> = {}) => {
    const got = await get(url + path, { accept: BROWSER, ...headers });
    t.is(got.headers['content-type'], 'text/html; charset=utf-8', path);
    t.is(got.headers['cache-control'], 'no-store', path);
    return { ...got, page: got.body.toString() };
  };
  for (const path of [
    '/nowhere',
    '/errands',
    '/errands/A',
    '/errands/a/b',
    '/settings/x/y/z',
    '/app/',
    '/app/none.js',
  ]) {
    const { status, page } = await pageOf(path);
    t.is(status, 404, path);
    t.regex(page, /<h1>There is no such page<\/h1>/, path);
    const [, way = ''] = /<a href="([^"]+)">/.exec(page) ?? [];
    t.is(new URL(way, url + path).href, `${url}/`, path);
  }
  t.regex(
    (await pageOf('/nowhere', { 'accept-language': 'de-AT, en;q=0.5' })).page,
    /<html lang="de">[^]*gibt es nicht/,
  );
  t.is((await pageOf('/tasks')).status, 401, 'an address of the API');
});

test('the page for a problem runs no script, and shows what was sent as text', async (t) => {
  const { url } = await startWeb(t);
  const { status, headers, body } = await get(url, { accept: BROWSER, host: '<script>"evil.example' });
  t.is(status, 403);
  const page = body.toString();
  t.regex(page, /&lt;script&gt;&quot;evil\.example/);
  t.notRegex(page, /<script|<a /);
  const policy = String(headers['content-security-policy']);
  const [, style = ''] = /<style>([^]*)<\/style>/.exec(page) ?? [];
  t.true(policy.includes(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`));
  t.regex(policy, /^default-src 'none';.* frame-ancestors 'none'$/);
});

test('the page has no script and no style of its own, and its policy allows none', async (t) => {
  const { url } = await startWeb(t);
  const { headers, body } = await get(url, { accept: BROWSER });
  const page = body.toString();
  t.false(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:/i.test(page));
  for (const path of filesOf(page)) t.regex(path, /^\/[^/:]+(\/[^/:]+)?$/, 'it loads from its own server alone');
  const policy = String(headers['content-security-policy']);
  t.regex(policy, /default-src 'none'; script-src 'self'; style-src 'self';/);
  // The owner's browser posts the manifest of an app to GitHub.
  t.true(policy.includes("form-action 'self' https://github.com;"));
  t.false(/unsafe|\*|https?:/.test(policy.replace(' https://github.com;', ';')), policy);
  for (const rule of ["base-uri 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"])
    t.true(policy.includes(rule), rule);
  t.is(headers['x-content-type-options'], 'nosniff');
  t.is(headers['referrer-policy'], 'no-referrer');
});

test('the page and its service worker have a policy of their own; what they load keeps the strictest one', async (t) => {
  const { url } = await startWeb(t);
  const page = await get(url, { accept: BROWSER });
  const { headers } = await get(`${url}/sw.js`, { accept: BROWSER });
  t.is(headers['content-security-policy'], page.headers['content-security-policy']);
  for (const [path, { immutable }] of (await openWebApp()).files) {
    if (!immutable) continue;
    const policy = String((await get(url + path, { accept: BROWSER })).headers['content-security-policy']);
    t.regex(policy, /^default-src 'none'; (?!script-src).*frame-ancestors 'none'$/, path);
  }
});

test('the manifest is asked for with cookies, so that a proxy with a log-in of its own lets it through', async (t) => {
  const { url } = await startWeb(t);
  const { body } = await get(url, { accept: BROWSER });
  t.regex(body.toString(), /<link rel="manifest" crossorigin="use-credentials" href="[^"]+">/);
});

test('a file whose name has its hash is kept for ever; the page, its worker and its manifest are asked for anew', async (t) => {
  const { url } = await startWeb(t);
  const page = await get(url, { accept: BROWSER });
  for (const path of ['/', '/sw.js', '/manifest.webmanifest', ...filesOf(page.body.toString())]) {
    const { status, headers } = await get(url + path, { accept: BROWSER });
    t.is(status, 200, path);
    const expected = path.startsWith('/app/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    t.is(headers['cache-control'], expected, path);
    const again = await get(url + path, { accept: BROWSER, 'if-none-match': String(headers.etag) });
    t.is(again.status, 304, path);
    t.is(again.body.length, 0, path);
  }
});

test('a client that knows brotli gets brotli, another one the same as it is', async (t) => {
  const { url } = await startWeb(t);
  const plain = await get(url, { accept: BROWSER });
  t.is(plain.headers['content-encoding'], undefined);
  t.regex(String(plain.headers.vary), /Accept-Encoding/);
  const packed = await get(url, { accept: BROWSER, 'accept-encoding': 'gzip, br' });
  t.is(packed.headers['content-encoding'], 'br');
  t.deepEqual(brotliDecompressSync(packed.body), plain.body);
});

test('the first view takes at most 80 kB with its headers and 6 requests, and is drawn before the schemas of the protocol are there', async (t) => {
  const { url } = await startWeb(t);
  const headers = { accept: BROWSER, 'accept-encoding': 'br' };
  const { body, bytes: page_bytes } = await get(url, headers);
  const sizeOf = async (path: string) => (await get(url + path, headers)).bytes;
  const text = async (path: string) => (await get(url + path, { accept: BROWSER })).body.toString();
  const drawn = filesOf(brotliDecompressSync(body).toString());
  const code = (await Promise.all(drawn.map(text))).join('\n');
  t.false(code.includes(SCHEMA), 'a schema is built before anything is drawn');
  const later = new Set([...code.matchAll(/import\("\.\/(part-\w+\.js)"\)/g)].map(([, name]) => `/app/${name}`));
  const parts = await Promise.all(
    [...later].map(async (path) => ({ path, has_schemas: (await text(path)).includes(SCHEMA) })),
  );
  const wire = parts.filter(({ has_schemas }) => has_schemas).map(({ path }) => path);
  t.is(wire.length, 1, 'what speaks with the server is one part');
  const imported = (await Promise.all(wire.map(text)))
    .flatMap((part) => [...part.matchAll(/(?:from|import)"\.\/(part-\w+\.js)"/g)])
    .map(([, name]) => `/app/${name}`);
  t.true(
    imported.every((path) => drawn.includes(path)),
    'it is loaded without others',
  );
  const files = await Promise.all([...drawn, ...wire].map(sizeOf));
  const bytes = files.reduce((sum, size) => sum + size, page_bytes);
  t.log(`${bytes} bytes, ${files.length + 1} requests`);
  t.true(bytes <= FIRST_VIEW.bytes_max, `${bytes} bytes`);
  t.true(files.length + 1 <= FIRST_VIEW.requests_max, drawn.join(' '));
});
