import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { FLUSH, pktLine } from '../../../../coordinator/worker-api/git/pkt-line.ts';
import { makeCertificate } from '../../../support/certificate.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { basic, git, tryGit, type Intercept } from '../../../support/git-server.ts';
import {
  cloneWithWork,
  commit,
  CREDENTIAL,
  refsOf,
  setUp,
  type GitProxyScene,
} from '../../../support/git-proxy-scene.ts';
import { until } from '../../../support/until.ts';

const TIMEOUTS = { connect_ms: 30_000, answer_ms: 30_000, idle_ms: 30_000 };
const PUSH = 'application/x-git-receive-pack-request';

type Answer = { status: number; code: string | null; words: string; retry_after: string | null };

/** Asks for the refs, as git's first request does. */
async function refs({ server }: GitProxyScene, service = 'git-upload-pack'): Promise<Answer> {
  return read(await fetch(`${server.url}/info/refs?service=${service}`));
}

function post({ server }: GitProxyScene, body: Buffer, headers: Record<string, string> = {}): Promise<Answer> {
  const init = { method: 'POST', body: new Uint8Array(body), headers: { 'content-type': PUSH, ...headers } };
  return fetch(`${server.url}/git-receive-pack`, init).then(read);
}

async function read(response: Response): Promise<Answer> {
  const { status, headers } = response;
  return {
    status,
    code: headers.get('errand-error'),
    words: await response.text(),
    retry_after: headers.get('retry-after'),
  };
}

const answerWith =
  (status: number, headers: Record<string, string> = {}): Intercept =>
  (_request, response) => {
    response.writeHead(status, headers).end('<html>words of the forge</html>');
    return true;
  };

const ANSWERS: [number, string, number, RegExp][] = [
  [401, 'forbidden', 403, /refused the credential/],
  [403, 'forbidden', 403, /does not allow this credential to read/],
  [404, 'not_found', 404, /There is no repository at http.*or this credential may not see it/],
  [410, 'not_found', 404, /There is no repository/],
  [413, 'too_large', 413, /of this size/],
  [429, 'rate_limited', 429, /limits the rate of requests/],
  [500, 'upstream_unreachable', 502, /status 500/],
  [503, 'upstream_unreachable', 502, /status 503/],
  [200, 'not_found', 404, /not as a git repository/],
];

for (const [answered, code, status, words] of ANSWERS)
  test(`a forge that answers ${answered} becomes ${code}, in words that git prints`, async (t) => {
    const setting = await setUp(t);
    setting.forge.intercept = answerWith(answered, { 'retry-after': '7', 'www-authenticate': 'Basic' });
    const answer = await refs(setting);
    t.is(answer.code, code);
    t.is(answer.status, status);
    t.true(answer.words.startsWith(`${code}: `));
    t.regex(answer.words, words);
    t.is(answer.retry_after, [429, 500, 503].includes(answered) ? '7' : null);
    const clone = await tryGit(setting.folder, 'clone', setting.server.url, 'clone');
    t.true(clone.stderr.includes(`remote: ${code}: `), clone.stderr);
    t.false(clone.stderr.includes('Username'), 'git asks for no password');
  });

test('without a credential, the words say that one is missing', async (t) => {
  const setting = await setUp(t);
  const open = await setUp(t, {
    repository: () => ({ repo_url: setting.repo_url, credential: undefined }),
    private_hosts: [setting.forge.host],
  });
  const fetched = await refs(open);
  t.is(fetched.status, 403);
  t.regex(fetched.words, /asks for a credential to read .*: give the project a git token/);
  t.regex((await refs(open, 'git-receive-pack')).words, /asks for a credential to push to/);
});

test('a wrong credential is told from a missing one', async (t) => {
  const setting = await setUp(t);
  const wrong = await setUp(t, {
    repository: () => ({ repo_url: setting.repo_url, credential: { username: 'x', password: 'stale' } }),
    private_hosts: [setting.forge.host],
  });
  t.regex((await refs(wrong)).words, /refused the credential for/);
});

test('a repository without a password is read and pushed to without one', async (t) => {
  const setting = await setUp(t, {}, null);
  const clone = await cloneWithWork(setting);
  await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${setting.prefix}work`);
  t.true(setting.forge.requests.every(({ headers }) => headers.authorization === undefined));
});

test('a private address is refused, and the words name the setting', async (t) => {
  const setting = await setUp(t, { private_hosts: [] });
  const answer = await refs(setting);
  t.is(answer.code, 'forbidden');
  t.true(answer.words.includes(`ERRAND_PRIVATE_HOSTS=${setting.forge.host}`));
  t.is(setting.forge.requests.length, 0);
});

for (const url of [
  'http://2130706433/a',
  'http://0x7f.1/a',
  'http://[::1]/a',
  'http://[::ffff:127.0.0.1]/a',
  'http://169.254.169.254/a',
  'http://localhost/a',
  'http://rebinding.example/a',
])
  test(`nothing is asked of ${url}`, async (t) => {
    const setting = await setUp(t, {
      repository: () => ({ repo_url: url, credential: CREDENTIAL }),
      private_hosts: ['localhost:1'],
      ...(url.includes('rebinding') && {
        resolve: async () => [
          { address: '93.184.215.14', family: 4 },
          { address: '10.0.0.1', family: 4 },
        ],
      }),
    });
    t.is((await refs(setting)).code, 'forbidden');
  });

test('a forge that does not answer in time is unreachable, as is one that is down', async (t) => {
  const setting = await setUp(t, { timeouts: { ...TIMEOUTS, answer_ms: 50 } });
  setting.forge.intercept = () => true;
  const silent = await refs(setting);
  t.deepEqual([silent.status, silent.code], [502, 'upstream_unreachable']);
  await setting.forge.close();
  const down = await refs(setting);
  t.deepEqual([down.status, down.code], [502, 'upstream_unreachable']);
  t.regex(down.words, /could not be reached: ECONNREFUSED/);
  t.is(setting.server.busy(), 0);
});

test('an answer that stops in the middle is broken off, and the cause is known', async (t) => {
  const setting = await setUp(t, { timeouts: { ...TIMEOUTS, idle_ms: 50 } });
  setting.forge.intercept = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' }).write('001e');
    return true;
  };
  await t.throwsAsync(refs(setting));
  await until('the cause is known', () => setting.server.broken.length === 1);
  t.is(setting.server.busy(), 0);
});

test('the forge is reached at the very address that was checked, and its name is resolved once for each connection', async (t) => {
  const setting = await setUp(t);
  const { port } = new URL(setting.forge.origin);
  let asked = 0;
  const named = await setUp(t, {
    repository: () => ({ repo_url: `http://forge.invalid:${port}/team/app`, credential: CREDENTIAL }),
    private_hosts: [`forge.invalid:${port}`],
    resolve: async () => {
      asked++;
      return [{ address: '127.0.0.1', family: 4 }];
    },
  });
  t.is((await refs(named)).status, 200);
  t.is(asked, setting.forge.connections());
  t.is(setting.forge.requests[0]?.headers.host, `forge.invalid:${port}`);
});

test('a name that does not exist is final for the first request, and not for a push', async (t) => {
  const resolveTo = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));
  const setting = await setUp(t, {
    repository: () => ({ repo_url: 'https://forge.example/a', credential: CREDENTIAL }),
    resolve: resolveTo('ENOTFOUND'),
  });
  const answer = await refs(setting);
  t.is(answer.code, 'not_found');
  t.regex(answer.words, /There is no host with the name forge\.example/);
  t.is((await refs(setting, 'git-receive-pack')).code, 'upstream_unreachable');
  const later = await setUp(t, { resolve: resolveTo('EAI_AGAIN') });
  t.is((await refs(later)).code, 'upstream_unreachable', 'the name server may answer later');
});

test('a redirect to another name on the same host is followed, and kept for what comes after', async (t) => {
  const setting = await setUp(t);
  await setting.forge.createRepository('moved.git');
  setting.forge.intercept = (request, response) => {
    if (!request.url?.startsWith('/team/app/')) return false;
    response.writeHead(301, { location: request.url.replace('/team/app/', '/moved.git/') }).end();
    return true;
  };
  const clone = await cloneWithWork(setting);
  await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${setting.prefix}work`);
  t.is(await git(join(setting.forge.root, 'moved.git'), 'show', `${setting.prefix}work:work.txt`), 'done');
  const strayed = setting.forge.requests.filter(({ url, method }) => method === 'POST' && url.startsWith('/team/'));
  t.deepEqual(strayed, []);
});

test('a redirect to another host, port or path is not followed, and the credential stays', async (t) => {
  const setting = await setUp(t);
  const other = await setUp(t, { private_hosts: ['127.0.0.1', 'localhost'] });
  const { port } = new URL(other.forge.origin);
  for (const location of [
    `http://localhost:${port}/team/app/info/refs?service=git-upload-pack`,
    `${other.forge.origin}/team/app/info/refs?service=git-upload-pack`,
    `${setting.forge.origin}/login?next=refs`,
    `${setting.forge.origin}/team/app/info/refs?service=git-receive-pack`,
    'https://evil.example/team/app/info/refs?service=git-upload-pack',
    'file:///etc/passwd',
    'http://',
  ]) {
    setting.forge.intercept = answerWith(302, { location });
    const answer = await refs(setting);
    t.is(answer.code, 'not_found', location);
    t.regex(answer.words, /is elsewhere/);
  }
  t.is(other.forge.requests.length, 0);
});

test('redirects without an end are given up, and a push is not redirected at all', async (t) => {
  const setting = await setUp(t);
  setting.forge.intercept = (request, response) => {
    response.writeHead(302, { location: request.url }).end();
    return true;
  };
  t.regex((await refs(setting)).words, /redirects git without an end/);
  t.is(setting.forge.requests.length, 4);
  t.is((await post(setting, FLUSH)).code, 'not_found');
  t.is(setting.forge.requests.length, 5);
});

test('a forge is reached by TLS, its certificate checked against its name', async (t) => {
  const setting = await setUp(t);
  const certificate = await makeCertificate(await temporaryFolder(t), ['localhost']);
  const server = createTlsServer(certificate, (request, response) => {
    const { method, url, headers } = request;
    const upstream = httpRequest(setting.forge.origin + url, { method, headers }, (answer: IncomingMessage) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  const secure = await setUp(t, {
    repository: () => ({ repo_url: `https://${host}/team/app`, credential: CREDENTIAL }),
    private_hosts: [host],
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
  });
  const untrusted = await refs(secure);
  t.is(untrusted.code, 'forbidden', 'final: a retry meets the same certificate');
  t.regex(untrusted.words, /The TLS connection to localhost:\d+ failed: DEPTH_ZERO_SELF_SIGNED_CERT/);
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, certificate.cert]);
  t.teardown(() => setDefaultCACertificates(before));
  t.true((await tryGit(secure.folder, 'clone', secure.server.url, 'clone')).ok);
});

test('whatever is not smart HTTP is refused, and nothing of it reaches the forge', async (t) => {
  const setting = await setUp(t);
  const { url } = setting.server;
  const calls: [string, string][] = [
    ['GET', '/HEAD'],
    ['GET', '/info/refs'],
    ['GET', '/info/refs?service=git-upload-pack&x=1'],
    ['GET', '/info/refs?x=1&service=git-upload-pack'],
    ['GET', '/info/refs?service=git-upload-archive'],
    ['GET', '/objects/info/packs'],
    ['GET', '//other/app/info/refs?service=git-upload-pack'],
    ['GET', '/%2e%2e/other/info/refs?service=git-upload-pack'],
    ['GET', '/git-receive-pack'],
    ['POST', '/git-upload-archive'],
    ['POST', '/git-receive-pack?x=1'],
    ['PUT', '/info/refs?service=git-upload-pack'],
    ['DELETE', '/'],
  ];
  for (const [method, path] of calls) {
    const answer = await read(await fetch(url + path, { method }));
    t.is(answer.code, 'forbidden', `${method} ${path}`);
  }
  t.is((await post(setting, FLUSH, { 'content-type': 'text/plain' })).code, 'unsupported_media_type');
  t.is(setting.forge.requests.length, 0);
});

test('a push may come gzipped, but not to burst', async (t) => {
  const setting = await setUp(t, { pack_bytes_max: 1024 * 1024 });
  t.is((await post(setting, gzipSync(FLUSH), { 'content-encoding': 'gzip' })).status, 200);
  let arrived = 0;
  setting.forge.intercept = (request, response) => {
    request.on('data', (chunk: Buffer) => (arrived += chunk.length)).on('end', () => response.end());
    return true;
  };
  const command = pktLine(`${'0'.repeat(40)} ${'a'.repeat(40)} refs/heads/${setting.prefix}x\0 report-status`);
  const bomb = gzipSync(Buffer.concat([command, FLUSH, Buffer.alloc(64 * 1024 * 1024)]));
  t.true(bomb.length < 100_000);
  t.is((await post(setting, bomb, { 'content-encoding': 'gzip' })).code, 'too_large');
  t.true(arrived <= 1024 * 1024, `${arrived} bytes`);
  t.is((await post(setting, Buffer.from('no gzip'), { 'content-encoding': 'gzip' })).code, 'invalid');
  t.is((await post(setting, FLUSH, { 'content-encoding': 'br' })).code, 'unsupported_media_type');
  await until('all is done', () => setting.server.busy() === 0);
});

test('a pack beyond its limit is broken off, and changes nothing', async (t) => {
  const setting = await setUp(t, { pack_bytes_max: 1024 * 1024 });
  const clone = await cloneWithWork(setting);
  const before = await refsOf(setting);
  await commit(clone, 'large.bin', randomBytes(2 * 1024 * 1024));
  const pushed = await tryGit(clone, 'push', 'origin', `HEAD:refs/heads/${setting.prefix}large`);
  t.false(pushed.ok);
  t.is(await refsOf(setting), before);
  await until('all is done', () => setting.server.busy() === 0);
});

test('a push without a command holds nothing else either', async (t) => {
  const setting = await setUp(t);
  t.is((await post(setting, Buffer.concat([FLUSH, Buffer.from('PACK')]))).code, 'invalid');
  t.is((await post(setting, Buffer.concat([pktLine(`shallow ${'a'.repeat(40)}`), FLUSH]))).code, 'invalid');
  t.is(setting.forge.requests.length, 0);
});

test('a push that wants no report is refused by its status', async (t) => {
  const setting = await setUp(t);
  const answer = await post(
    setting,
    Buffer.concat([pktLine(`${'0'.repeat(40)} ${'a'.repeat(40)} refs/heads/main`), FLUSH]),
  );
  t.deepEqual([answer.status, answer.code], [403, 'forbidden']);
});

test('so many requests at once, and no more, until one is done', async (t) => {
  const setting = await setUp(t);
  const held: (() => void)[] = [];
  setting.forge.intercept = (request, response) => {
    t.is(request.headers.authorization, basic(CREDENTIAL));
    held.push(() => response.writeHead(404).end());
    return true;
  };
  const waiting = Array.from({ length: 8 }, () => refs(setting));
  await until('all are held', () => held.length === 8);
  const refused = await refs(setting);
  t.deepEqual([refused.status, refused.code, refused.retry_after], [429, 'rate_limited', '1']);
  for (const release of held) release();
  for (const answer of await Promise.all(waiting)) t.is(answer.code, 'not_found');
  setting.forge.intercept = undefined;
  t.is((await refs(setting)).status, 200);
});

/** Answers a clone with bytes that have no end. */
const endless: Intercept = (request, response) => {
  if (request.method !== 'POST') return false;
  response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
  const chunk = Buffer.alloc(64 * 1024);
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
  return true;
};

test('the end of an attempt cuts a clone off, and leaves no connection behind', async (t) => {
  const setting = await setUp(t);
  await git(setting.folder, 'clone', '--quiet', setting.server.url, 'fine');
  setting.forge.intercept = endless;
  const cut = await startFetch(setting);
  setting.server.end();
  await t.throwsAsync(cut.arrayBuffer());
  await until('nothing is under way', () => setting.server.busy() === 0 && setting.forge.connections() === 0);
  const after = await refs(setting);
  t.is(after.code, 'stale_attempt');
});

test('a worker that hangs up in the middle of a clone leaves no connection behind', async (t) => {
  const setting = await setUp(t);
  setting.forge.intercept = endless;
  const hangUp = new AbortController();
  const cut = await startFetch(setting, hangUp.signal);
  t.is(cut.status, 200);
  hangUp.abort();
  await until('nothing is under way', () => setting.server.busy() === 0 && setting.forge.connections() === 0);
  t.deepEqual(setting.server.broken, [], 'that is no fault');
});

test('a worker that reads nothing is not buffered for', async (t) => {
  const setting = await setUp(t);
  let written = 0;
  setting.forge.intercept = (request, response) => {
    const write = response.write.bind(response);
    response.write = (chunk: Buffer) => {
      written += chunk.length;
      return write(chunk);
    };
    return endless(request, response);
  };
  const hangUp = new AbortController();
  await startFetch(setting, hangUp.signal);
  let [seen, still] = [-1, 0];
  await until('it stands still', () => {
    still = written === seen ? still + 1 : 0;
    seen = written;
    return still === 20;
  });
  t.true(written < 64 * 1024 * 1024, `${written} bytes`);
  hangUp.abort();
  await until('nothing is under way', () => setting.server.busy() === 0 && setting.forge.connections() === 0);
});

function startFetch({ server }: GitProxyScene, signal?: AbortSignal): Promise<Response> {
  const headers = { 'content-type': 'application/x-git-upload-pack-request' };
  return fetch(`${server.url}/git-upload-pack`, { method: 'POST', headers, body: '0000', signal: signal ?? null });
}
