import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import test from 'ava';
import { Forge } from '../../../../coordinator/worker-api/git/forge.ts';
import { FLUSH } from '../../../../coordinator/worker-api/git/pkt-line.ts';
import { makeCertificate } from '../../../support/certificate.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { git, tryGit } from '../../../support/git-server.ts';
import { cloneWithWork, CREDENTIAL, setUp } from '../../../support/git-proxy-scene.ts';
import { until } from '../../../support/until.ts';
import { answerWith, askRefs, postPush } from '../../../support/forge-requests.ts';

const TIMEOUTS = { connect_ms: 30_000, answer_ms: 30_000, idle_ms: 30_000 };
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
  test(`a forge that answers ${answered} becomes ${code}, with a message that git prints`, async (t) => {
    const setting = await setUp(t);
    setting.forge.intercept = answerWith(answered, { 'retry-after': '7', 'www-authenticate': 'Basic' });
    const answer = await askRefs(setting);
    t.is(answer.code, code);
    t.is(answer.status, status);
    t.true(answer.words.startsWith(`${code}: `));
    t.regex(answer.words, words);
    t.is(answer.retry_after, [429, 500, 503].includes(answered) ? '7' : null);
    const clone = await tryGit(setting.folder, 'clone', setting.server.url, 'clone');
    t.true(clone.stderr.includes(`remote: ${code}: `), clone.stderr);
    t.false(clone.stderr.includes('Username'), 'git asks for no password');
  });

test('the error says that a credential is missing', async (t) => {
  const setting = await setUp(t);
  const open = await setUp(t, {
    repository: () => ({ repo_url: setting.repo_url, credential: undefined }),
    private_hosts: [setting.forge.host],
  });
  const fetched = await askRefs(open);
  t.is(fetched.status, 403);
  t.regex(fetched.words, /asks for a credential to read .*: give the project a git token/);
  t.regex((await askRefs(open, 'git-receive-pack')).words, /asks for a credential to push to/);
});

test('the error of a wrong credential differs from that of a missing one', async (t) => {
  const setting = await setUp(t);
  const wrong = await setUp(t, {
    repository: () => ({ repo_url: setting.repo_url, credential: { username: 'x', password: 'stale' } }),
    private_hosts: [setting.forge.host],
  });
  t.regex((await askRefs(wrong)).words, /refused the credential for/);
});

test('a public repository is read and pushed to without a credential', async (t) => {
  const setting = await setUp(t, {}, null);
  const clone = await cloneWithWork(setting);
  await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${setting.prefix}work`);
  t.true(setting.forge.requests.every(({ headers }) => headers.authorization === undefined));
});

test('a private address is refused, and the error names the setting', async (t) => {
  const setting = await setUp(t, { private_hosts: [] });
  const answer = await askRefs(setting);
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
  test(`no request is sent to ${url}`, async (t) => {
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
    t.is((await askRefs(setting)).code, 'forbidden');
  });

test('a forge that is down or does not answer in time is unreachable', async (t) => {
  const setting = await setUp(t, { timeouts: { ...TIMEOUTS, answer_ms: 50 } });
  setting.forge.intercept = () => true;
  const silent = await askRefs(setting);
  t.deepEqual([silent.status, silent.code], [502, 'upstream_unreachable']);
  await setting.forge.close();
  const down = await askRefs(setting);
  t.deepEqual([down.status, down.code], [502, 'upstream_unreachable']);
  t.regex(down.words, /could not be reached: ECONNREFUSED/);
  t.is(setting.server.busy(), 0);
});

test('an answer that stops in the middle is broken off, with its cause', async (t) => {
  const setting = await setUp(t, { timeouts: { ...TIMEOUTS, idle_ms: 50 } });
  setting.forge.intercept = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' }).write('001e');
    return true;
  };
  await t.throwsAsync(askRefs(setting));
  await until('the cause is known', () => setting.server.late_errors.length === 1);
  t.is(setting.server.busy(), 0);
});

test('the connection goes to the address that was checked, and the name is resolved once for each connection', async (t) => {
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
  t.is((await askRefs(named)).status, 200);
  t.is(asked, setting.forge.connections());
  t.is(setting.forge.requests[0]?.headers.host, `forge.invalid:${port}`);
});

test('an unknown host name is final for the first request but not for a push', async (t) => {
  const resolveTo = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));
  const setting = await setUp(t, {
    repository: () => ({ repo_url: 'https://forge.example/a', credential: CREDENTIAL }),
    resolve: resolveTo('ENOTFOUND'),
  });
  const answer = await askRefs(setting);
  t.is(answer.code, 'not_found');
  t.regex(answer.words, /There is no host with the name forge\.example/);
  t.is((await askRefs(setting, 'git-receive-pack')).code, 'upstream_unreachable');
  const later = await setUp(t, { resolve: resolveTo('EAI_AGAIN') });
  t.is((await askRefs(later)).code, 'upstream_unreachable', 'the name server may answer later');
});

test('a redirect to another path on the same host is followed, and kept for later requests', async (t) => {
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

test('a redirect to another host, port or service is not followed, and the credential is not sent there', async (t) => {
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
    const answer = await askRefs(setting);
    t.is(answer.code, 'not_found', location);
    t.regex(answer.words, /is elsewhere/);
  }
  t.is(other.forge.requests.length, 0);
});

test('endless redirects are given up, and a push is never redirected', async (t) => {
  const setting = await setUp(t);
  setting.forge.intercept = (request, response) => {
    response.writeHead(302, { location: request.url }).end();
    return true;
  };
  t.regex((await askRefs(setting)).words, /redirects git endlessly/);
  t.is(setting.forge.requests.length, 4);
  t.is((await postPush(setting, FLUSH)).code, 'not_found');
  t.is(setting.forge.requests.length, 5);
});

test('a forge is reached over TLS, and its certificate must match its name', async (t) => {
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
  const untrusted = await askRefs(secure);
  t.is(untrusted.code, 'forbidden', 'final: a retry meets the same certificate');
  t.regex(
    untrusted.words,
    /The TLS connection to localhost:\d+ failed: DEPTH_ZERO_SELF_SIGNED_CERT\. .*NODE_EXTRA_CA_CERTS/,
  );
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, certificate.cert]);
  t.teardown(() => setDefaultCACertificates(before));
  t.true((await tryGit(secure.folder, 'clone', secure.server.url, 'clone')).ok);
});

test('an address that a forge names is at a private host only where the repository itself is at one', async (t) => {
  const { forge } = await setUp(t);
  const sends = new Forge({ private_hosts: [forge.host] });
  const ask = (for_repo: string) =>
    sends.send(new URL(`${forge.origin}/lfs-store/x`), {
      method: 'GET',
      headers: {},
      body: null,
      signal: AbortSignal.timeout(10_000),
      for_repo,
    });
  await t.throwsAsync(ask('https://example.org/team/app'), { message: /may not be reached/ });
  await (await ask(`${forge.origin}/team/app`)).body.dump();
});
