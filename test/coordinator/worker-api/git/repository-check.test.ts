import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { ForgeCheck, LOOKUPS_AT_ONCE_MAX } from '../../../../coordinator/worker-api/git/repository-check.ts';
import { LIMITS } from '../../../../protocol/limits.ts';
import { ErrandError, type ErrorCode } from '../../../../protocol/problem.ts';
import { makeCertificate } from '../../../support/certificate.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { startGitServer, type GitServer, type Intercept } from '../../../support/git-server.ts';
import { until } from '../../../support/until.ts';

const CREDENTIAL = { username: 'x-access-token', password: 'the right token' };
const WRONG = { username: 'x-access-token', password: 'a stale token' };

async function setUp(t: ExecutionContext, credential: typeof CREDENTIAL | null = CREDENTIAL) {
  const forge = await startGitServer(credential ?? undefined);
  t.teardown(forge.close);
  const repo_url = await forge.createRepository('team/app');
  return { forge, repo_url, checker: new ForgeCheck({ private_hosts: [forge.host] }) };
}

/** How a check was refused: code, field and message. */
async function refused(check: Promise<unknown>): Promise<{ code: ErrorCode; field: string; words: string }> {
  const error = await check.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof ErrandError)) throw new Error(`It was not refused, but: ${String(error)}`);
  return { code: error.code, field: error.errors?.map(({ field }) => field).join() ?? '', words: error.message };
}

const answerTo =
  (service: string, status: number): Intercept =>
  (request, response) => {
    if (request.url?.endsWith(service) !== true) return false;
    response.writeHead(status).end();
    return true;
  };

test('a repository that can be read and pushed to passes without a warning', async (t) => {
  const { checker, repo_url, forge } = await setUp(t);
  t.deepEqual(await checker.check('ada', { repo_url, credential: CREDENTIAL }), []);
  t.deepEqual(
    forge.requests.map(({ method, url }) => `${method} ${url}`),
    ['git-upload-pack', 'git-receive-pack'].map((service) => `GET /team/app/info/refs?service=${service}`),
  );
  await until('no answer is being read', () => forge.connections() === 0);
});

test('the sample repository needs no check', async (t) => {
  const { checker } = await setUp(t);
  t.deepEqual(await checker.check('ada', { repo_url: 'errand://sample', credential: undefined }), []);
  await t.notThrowsAsync(checker.checkHost('ada', 'errand://sample'));
});

const PUSH_ANSWERS: [number, typeof CREDENTIAL | undefined, RegExp][] = [
  [403, CREDENTIAL, /can read http.* but the git_token may not push to it/],
  [401, undefined, /can read http.* but not push to it without a git_token/],
  [404, CREDENTIAL, /may not push/],
  [500, CREDENTIAL, /could not find out whether it may push to it: .*status 500/],
];
for (const [status, credential, words] of PUSH_ANSWERS)
  test(`a forge that answers ${status} to a push ${credential ? 'with' : 'without'} a token leads to a warning`, async (t) => {
    const { checker, repo_url, forge } = await setUp(t, credential ?? null);
    forge.intercept = answerTo('git-receive-pack', status);
    const warnings = await checker.check('ada', { repo_url, credential });
    t.is(warnings.length, 1);
    t.regex(warnings[0]?.text ?? '', words);
    t.is(warnings[0]?.params['repo_url'], repo_url);
  });

const READ_ANSWERS: [number, typeof CREDENTIAL | undefined, ErrorCode, string, RegExp][] = [
  [
    401,
    WRONG,
    'invalid',
    '/git_token',
    /refused the credential for [^:]*:[^ ]*: give its project a git token that is valid now\.$/,
  ],
  [
    401,
    undefined,
    'invalid',
    '/repo_url',
    /asks for a credential.*: give the project a git token, or check the address\.$/,
  ],
  [403, WRONG, 'invalid', '/git_token', /: give its project a git token that may read it\.$/],
  [
    403,
    undefined,
    'invalid',
    '/repo_url',
    /does not allow just anyone.*: give its project a git token that may read it\.$/,
  ],
  [404, WRONG, 'invalid', '/repo_url', /There is no repository at .*: check the address, and which repositories/],
  [
    404,
    undefined,
    'invalid',
    '/repo_url',
    /There is no repository at .*, or it is private: check the address, or give its project a git token\.$/,
  ],
  [200, undefined, 'invalid', '/repo_url', /not as a git repository.* such as http:\/\/127\.0\.0\.1:\d+\/owner\/name/],
  [429, undefined, 'upstream_unreachable', '/repo_url', /limits the rate.* "check": false/],
  [502, undefined, 'upstream_unreachable', '/repo_url', /status 502.* "check": false/],
];
for (const [status, credential, code, field, words] of READ_ANSWERS)
  test(`a forge that answers ${status} ${credential ? 'with' : 'without'} a token names ${field}`, async (t) => {
    const { checker, repo_url, forge } = await setUp(t);
    forge.intercept = answerTo('git-upload-pack', status);
    const problem = await refused(checker.check('ada', { repo_url, credential }));
    t.like(problem, { code, field });
    t.regex(problem.words, words);
  });

const lookUp = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));

test('a host that does not exist differs from a name server that does not answer', async (t) => {
  const at = async (code: string) => {
    const checker = new ForgeCheck({ private_hosts: [], resolve: lookUp(code) });
    return refused(checker.check('ada', { repo_url: 'https://forge.example/a/b', credential: undefined }));
  };
  const unknown = await at('ENOTFOUND');
  t.like(unknown, { code: 'invalid', field: '/repo_url' });
  t.regex(unknown.words, /no host with the name forge\.example\. Check the spelling/);
  t.like(await at('EAI_AGAIN'), { code: 'upstream_unreachable', field: '/repo_url' });
});

test('a private address is refused, and no request is sent to it', async (t) => {
  const { repo_url, forge } = await setUp(t);
  const checker = new ForgeCheck({ private_hosts: [] });
  const problem = await refused(checker.check('ada', { repo_url, credential: CREDENTIAL }));
  t.like(problem, { code: 'invalid', field: '/repo_url' });
  t.true(problem.words.includes(`ERRAND_PRIVATE_HOSTS=${forge.host}`));
  t.is(forge.requests.length, 0);
});

test('a repository that has moved is refused with its new address', async (t) => {
  const { checker, repo_url, forge } = await setUp(t);
  forge.intercept = (request, response) => {
    response.writeHead(301, { location: `https://new.example${request.url}` }).end();
    return true;
  };
  const problem = await refused(checker.check('ada', { repo_url, credential: CREDENTIAL }));
  t.like(problem, { code: 'invalid', field: '/repo_url' });
  t.regex(problem.words, /elsewhere: https:\/\/new\.example\/team\/app/);
});

test('a port without TLS and a certificate that nobody signed are faults of the server', async (t) => {
  const certificate = await makeCertificate(await temporaryFolder(t), ['localhost']);
  const plain = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const tls = createTlsServer(certificate);
  for (const server of [plain, tls]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const checker = new ForgeCheck({ private_hosts: [host] });
    const problem = await refused(checker.check('ada', { repo_url: `https://${host}/a/b`, credential: CREDENTIAL }));
    t.like(problem, { code: 'upstream_unreachable', field: '/repo_url' });
    t.regex(problem.words, /The TLS connection to .* failed/);
  }
});

test('a forge that is down, and one that does not answer in time, are unreachable', async (t) => {
  const { repo_url, forge } = await setUp(t);
  const checker = new ForgeCheck({ private_hosts: [forge.host], check_ms: 50 });
  forge.intercept = () => true;
  const slow = await refused(checker.check('ada', { repo_url, credential: CREDENTIAL }));
  t.like(slow, { code: 'upstream_unreachable', field: '/repo_url' });
  t.regex(slow.words, /did not answer within 0\.05 seconds\. With "check": false/);
  await forge.close();
  const down = await refused(checker.check('ada', { repo_url, credential: CREDENTIAL }));
  t.like(down, { code: 'upstream_unreachable', field: '/repo_url' });
});

test('limits the checks that a user may have in progress: a newer one ends the oldest', async (t) => {
  const { checker, repo_url, forge } = await setUp(t);
  const held = holdRequests(forge);
  const check = (user: string) => checker.check(user, { repo_url, credential: CREDENTIAL });
  const lost = Array.from({ length: LIMITS.repository_checks_at_once_max }, () => refused(check('ada')));
  const other = check('bob');
  const newer = Array.from({ length: LIMITS.repository_checks_at_once_max }, () => check('ada'));
  for (const { code } of await Promise.all(lost)) t.is(code, 'rate_limited');
  held.release();
  t.deepEqual(await Promise.all([...newer, other]), [[], [], [], [], []]);
  t.deepEqual(await check('ada'), []);
});

test('only the host name is looked up when a task is created', async (t) => {
  const { repo_url, forge, checker } = await setUp(t);
  await checker.checkHost('ada', repo_url);
  const at = (code: string) => new ForgeCheck({ private_hosts: [], resolve: lookUp(code) });
  const unknown = await refused(at('ENOTFOUND').checkHost('ada', 'https://forge.example/a/b'));
  t.like(unknown, { code: 'invalid', field: '/repo_url', words: 'There is no host with the name forge.example.' });
  await t.notThrowsAsync(at('EAI_AGAIN').checkHost('ada', 'https://forge.example/a/b'), 'the worker tries again');
  t.like(await refused(new ForgeCheck({ private_hosts: [] }).checkHost('ada', repo_url)), { code: 'invalid' });
  t.is(forge.requests.length, 0);
});

test('a slow name server does not delay a task', async (t) => {
  const slow = new ForgeCheck({ private_hosts: [], resolve: () => new Promise(() => {}), host_check_ms: 20 });
  await t.notThrowsAsync(slow.checkHost('ada', 'https://forge.example/a/b'));
});

test('the names that are looked up for a user at once are limited; the worker finds out about the others', async (t) => {
  let lookups = 0;
  const resolve = () => (lookups++, new Promise<never>(() => {}));
  const slow = new ForgeCheck({ private_hosts: [], resolve, host_check_ms: 20 });
  const check = (user: string) => slow.checkHost(user, 'https://forge.example/a/b');
  for (let n = 0; n < 3; n++) await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE_MAX }, () => check('ada')));
  t.is(lookups, LOOKUPS_AT_ONCE_MAX);
  await check('bob');
  t.is(lookups, LOOKUPS_AT_ONCE_MAX + 1);
});

/** Holds back the forge's answers until they are released. */
function holdRequests(forge: GitServer): { release: () => void } {
  const gate = Promise.withResolvers<void>();
  forge.intercept = async () => {
    await gate.promise;
    return false;
  };
  return { release: () => gate.resolve() };
}
