import test from 'ava';
import type { Check } from '../../../coordinator/forge/forge.ts';
import { ForgeApiError } from '../../../coordinator/forge/forge-api-error.ts';
import { giteaClient } from '../../../coordinator/forge/gitea/gitea-client.ts';
import { gitHubClient, restApiOf } from '../../../coordinator/forge/github/github-client.ts';
import { forgeHttp } from '../../support/forge/forge-http.ts';
import { startGitea } from '../../support/forge/gitea/stand-in.ts';
import { startGitHub } from '../../support/forge/github/stand-in.ts';

const NAME = { owner: 'ada', name: 'demo' };

test('an older Gitea, and Forgejo: an answer joins the thread by a review, and nothing is resolved', async (t) => {
  const gitea = await startGitea(t);
  gitea.is_old = true;
  const http = forgeHttp(t, [gitea.host]);
  const client = giteaClient(http, gitea.origin);
  const [ada, bob] = [gitea.world.addPerson('ada'), gitea.world.addPerson('bob')];
  const demo = await gitea.world.addRepository({ owner: ada, name: 'demo' });
  await gitea.push(demo, 'fix', { 'a.txt': 'a\nb\n' });
  const pull = await gitea.openPull(demo, ada, { title: 'Fix', body: '', head: 'fix', base: 'main', draft: false });
  const comments = [{ path: 'a.txt', line: 2, body: 'Why b?' }];
  await gitea.review(demo, pull, bob, { state: 'COMMENTED', comments });
  const access = { token: gitea.apps.personalToken(ada).value };
  const [why] = (await client.thread(access, NAME, pull.number, 10)).comments;
  if (!why?.review) return t.fail('the comment is not there');
  const reply = await client.reply(access, NAME, pull.number, why, 'Because.');
  t.is(reply.body, 'Because.');
  await client.resolve(access, NAME, pull.number, why.review.thread_id);
  const after = await client.thread(access, NAME, pull.number, 10);
  t.deepEqual(
    after.comments.map(({ body, review }) => [body, review?.thread_id]),
    [
      ['Why b?', why.review.thread_id],
      ['Because.', why.review.thread_id],
    ],
  );
  const gone = { ...why, review: { ...why.review, line: null } };
  t.is((await client.reply(access, NAME, pull.number, gone, 'To all.')).review, null);
});

test('GitHub without drafts: a pull request that is ready is opened', async (t) => {
  const github = await startGitHub(t);
  const http = forgeHttp(t, [github.host]);
  const client = gitHubClient(http, github.origin);
  const ada = github.world.addPerson('ada');
  const demo = await github.world.addRepository({ owner: ada, name: 'demo' });
  await github.push(demo, 'fix', { 'a.txt': 'a' });
  let refused = 0;
  github.intercept = (request, response) => {
    if (request.method !== 'POST' || refused++ > 0) return false;
    const message = 'Draft pull requests are not supported in this repository.';
    response.writeHead(422).end(JSON.stringify({ message: 'Validation Failed', errors: [{ message }] }));
    return true;
  };
  const access = { token: github.apps.personalToken(ada).value };
  const draft = { title: 'Fix', body: '', head: 'fix', base: 'main', draft: true };
  t.like(await client.openPull(access, NAME, draft), { title: 'Fix', draft: false });
});

test('GitHub: what did not change is not sent again, and is never shown to another token', async (t) => {
  const github = await startGitHub(t);
  const http = forgeHttp(t, [github.host]);
  const client = gitHubClient(http, github.origin);
  const [ada, bob] = [github.world.addPerson('ada'), github.world.addPerson('bob')];
  const demo = await github.world.addRepository({ owner: ada, name: 'demo', private: true });
  await github.push(demo, 'fix', { 'a.txt': 'a' });
  const pull = await github.openPull(demo, ada, { title: 'Fix', body: '', head: 'fix', base: 'main', draft: true });
  const [own, others] = [ada, bob].map((person) => ({ token: github.apps.personalToken(person).value }));
  if (own === undefined || others === undefined) return t.fail();
  // The first look makes the forge find out whether there are conflicts.
  await client.pull(own, NAME, pull.number);
  const first = await client.pull(own, NAME, pull.number);
  t.deepEqual(await client.pull(own, NAME, pull.number), first);
  t.deepEqual(
    github.calls.map(({ status }) => status),
    [200, 200, 304],
  );
  await github.editPull(demo, pull, { title: 'Better' });
  t.like(await client.pull(own, NAME, pull.number), { title: 'Better' });
  await t.throwsAsync(client.pull(others, NAME, pull.number), { message: /404/ });
  github.apps.revokeAll(ada);
  await t.throwsAsync(client.pull(own, NAME, pull.number), { message: /401/ });
});

test('GitHub: a page of a list that did not change may have a next one by now', async (t) => {
  const github = await startGitHub(t);
  const client = gitHubClient(forgeHttp(t, [github.host]), github.origin);
  const ada = github.world.addPerson('ada');
  const access = { token: github.apps.personalToken(ada).value };
  const checks = (n: number) =>
    JSON.stringify({ statuses: [{ id: n, context: `ci/${n}`, state: 'success', target_url: '' }] });
  let pages = 1;
  github.intercept = ({ url = '', headers }, response) => {
    if (url.includes('/check-runs')) return Boolean(response.writeHead(200).end('{"check_runs":[]}'));
    const page = Number(new URL(url, github.origin).searchParams.get('page'));
    const etag = `"${page}"`;
    const link = page < pages ? { link: `<${github.origin}/next>; rel="next"` } : {};
    const is_known = headers['if-none-match'] === etag;
    response.writeHead(is_known ? 304 : 200, { etag, ...link }).end(is_known ? '' : checks(page));
    return true;
  };
  t.is((await client.checks(access, NAME, 'c')).items.length, 1);
  pages = 2;
  t.is((await client.checks(access, NAME, 'c')).items.length, 2);
});

test('GitHub: a log that is kept elsewhere is read without the token', async (t) => {
  const github = await startGitHub(t);
  const http = forgeHttp(t, [github.host]);
  const client = gitHubClient(http, github.origin);
  const ada = github.world.addPerson('ada');
  const demo = await github.world.addRepository({ owner: ada, name: 'demo' });
  const commit = await github.push(demo, 'fix', { 'a.txt': 'a' });
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'Error\n' });
  const seen: (string | undefined)[] = [];
  github.intercept = ({ url = '', headers }) => {
    if (url.startsWith('/_logs')) seen.push(headers.authorization);
    return false;
  };
  const access = { token: github.apps.personalToken(ada).value };
  const {
    items: [check],
  } = await client.checks(access, NAME, commit);
  if (check === undefined) return t.fail();
  t.is((await client.checkLog(access, NAME, check, 1_000)).toString(), 'Error\n');
  t.deepEqual(seen, [undefined]);
  await github.rename(demo, 'renamed');
  t.is((await client.checkLog(access, NAME, check, 1_000)).toString(), 'Error\n');
  // A store in the private network is not asked: a forge could have us read what is there.
  for (const location of ['http://169.254.169.254/latest', 'http://localhost:1/', 'file:///etc/passwd']) {
    github.intercept = (_, response) => Boolean(response.writeHead(302, { location }).end());
    const error = await t.throwsAsync(client.checkLog(access, NAME, check, 1_000));
    t.like(error, { fault: 'unreachable' }, location);
  }
});

test('GitHub: an error of the GraphQL API is one of ours', async (t) => {
  const github = await startGitHub(t);
  const http = forgeHttp(t, [github.host]);
  const client = gitHubClient(http, github.origin);
  const ada = github.world.addPerson('ada');
  const access = { token: github.apps.personalToken(ada).value };
  const cases = {
    NOT_FOUND: 'not_found',
    FORBIDDEN: 'forbidden',
    constructor: 'invalid',
    RATE_LIMITED: 'rate_limited',
  };
  for (const [type, fault] of Object.entries(cases)) {
    const answer = { data: null, errors: [{ type, message: 'No\u0000pe' }] };
    github.intercept = (_, response) => Boolean(response.writeHead(200).end(JSON.stringify(answer)));
    const error = await t.throwsAsync(client.resolve(access, NAME, 1, '1'), { message: /Nope/ });
    t.like(error, { fault });
  }
  github.intercept = ({ url }, response) =>
    url?.endsWith('/graphql') === true && Boolean(response.writeHead(200).end('{"data":{"repository":null}}'));
  const limited = await t.throwsAsync(client.resolve(access, NAME, 1, '1'), { message: /takes no more calls/ });
  t.like(limited, { fault: 'rate_limited' });
  t.is((await client.me(access)).login, 'ada', 'the REST API has a limit of its own');
  const other = { token: github.apps.personalToken(ada).value };
  t.like(await t.throwsAsync(client.resolve(other, NAME, 1, '1')), { fault: 'unreachable' });
});

test('GitHub: the GraphQL API is asked again when the headers of its answer say', async (t) => {
  const github = await startGitHub(t);
  const client = gitHubClient(forgeHttp(t, [github.host]), github.origin);
  const ada = github.world.addPerson('ada');
  const primary = { errors: [{ type: 'RATE_LIMITED', message: 'API rate limit exceeded' }] };
  const secondary = { errors: [{ message: 'You have exceeded a secondary rate limit.' }] };
  const in_s = 1_800;
  const reset_s = Math.round(Date.now() / 1000) + in_s;
  for (const [answer, headers] of [
    [primary, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(reset_s) }],
    [secondary, { 'retry-after': String(in_s) }],
  ] as const) {
    github.intercept = (_, response) => Boolean(response.writeHead(200, headers).end(JSON.stringify(answer)));
    const access = { token: github.apps.personalToken(ada).value };
    const error = await t.throwsAsync(client.resolve(access, NAME, 1, '1'), { instanceOf: ForgeApiError });
    const wait_s = ((error?.retry_at?.getTime() ?? 0) - Date.now()) / 1000;
    t.true(Math.abs(wait_s - in_s) < 30, String(wait_s));
  }
});

test("github.com's API is at an address of its own; an Enterprise server's is below its origin", async (t) => {
  const http = forgeHttp(t, []);
  t.is(restApiOf(http, 'https://github.com').root, 'https://api.github.com');
  t.is(restApiOf(http, 'https://git.example').root, 'https://git.example/api/v3');
});

test('GitHub: a list of repositories that was read to its end is kept while a person types', async (t) => {
  const github = await startGitHub(t);
  const http = forgeHttp(t, [github.host]);
  const client = gitHubClient(http, github.origin);
  const [ada, bob] = [github.world.addPerson('ada'), github.world.addPerson('bob')];
  await github.world.addRepository({ owner: ada, name: 'demo' });
  const names = async (person: typeof ada, search: string) => {
    const access = { token: github.apps.personalToken(person).value };
    const found = await client.repositories(access, { search, limit: 10 });
    const again = await client.repositories(access, { search: `${search}m`, limit: 10 });
    return [found, again].map(({ items }) => items.map(({ name }) => name));
  };
  t.deepEqual(await names(ada, 'de'), [['demo'], ['demo']]);
  t.deepEqual(await names(bob, 'de'), [[], []]);
  t.is(github.calls.length, 2);
});

/** A forge that answers each page of a list with one more, without end. */
async function endless(t: Parameters<typeof startGitHub>[0], kind: string) {
  const github = await startGitHub(t);
  const http = forgeHttp(t, [github.host]);
  const [ada, ...others] = ['ada', 'bob', 'cleo'].map((login) => github.world.addPerson(login));
  if (!ada) throw new Error('nobody is there');
  const app = github.apps.addApp(ada, { name: 'Errand' });
  const demo = await github.world.addRepository({ owner: ada, name: 'demo' });
  for (const owner of [ada, ...others]) {
    if (owner !== ada) await github.world.addRepository({ owner, name: 'demo' });
    github.apps.install(app, owner);
  }
  const token = kind.includes('app') ? github.apps.userToken(ada, app) : github.apps.personalToken(ada);
  const one = github.render.repository(demo, 'write', 'repository');
  let pages = 0;
  github.intercept = ({ url = '' }, response) => {
    if (!/\/(repos|repositories)\?/.test(url)) return false;
    pages++;
    const body = url.includes('/installations/') ? { total_count: 1, repositories: [one] } : [one];
    response.writeHead(200, { link: '<https://next>; rel="next"' }).end(JSON.stringify(body));
    return true;
  };
  const client = gitHubClient(http, github.origin);
  return {
    list: (search: string) => client.repositories({ token: token.value }, { search, limit: 50 }),
    pages: () => pages,
  };
}

for (const [kind, max] of [
  ['personal token', 10],
  ['token through an app', 20],
] as const)
  test(`GitHub: a list that is too long for a ${kind} is read once while a person types, and says so`, async (t) => {
    const { list, pages } = await endless(t, kind);
    const found = await Promise.all(['d', 'de', 'dem'].map(list));
    t.is(pages(), max);
    found.push(await list('demo'));
    t.is(pages(), max);
    for (const { items, missing } of found) {
      t.is(items.length, max);
      t.is(missing.length, 1);
      t.regex(missing[0] ?? '', /has more repositories than were searched/);
    }
  });

test('Gitea: a status with a warning has passed, and that of a job that was skipped has ended', async (t) => {
  const gitea = await startGitea(t);
  const client = giteaClient(forgeHttp(t, [gitea.host]), gitea.origin);
  const ada = gitea.world.addPerson('ada');
  const demo = await gitea.world.addRepository({ owner: ada, name: 'demo' });
  const commit = await gitea.push(demo, 'fix', { 'a.txt': 'a' });
  for (const state of ['warning', 'skipped', 'pending'] as const) gitea.status(demo, commit, { context: state, state });
  gitea.check(demo, commit, { name: 'deploy', conclusion: 'skipped', log: '' });
  const { items: checks } = await client.checks({ token: gitea.apps.personalToken(ada).value }, NAME, commit);
  t.deepEqual(Object.fromEntries(checks.map(({ name, state }) => [name, state])), {
    warning: 'passed',
    skipped: 'skipped',
    pending: 'running',
    deploy: 'skipped',
  });
});

test('GitHub: of many jobs and statuses all are read', async (t) => {
  const github = await startGitHub(t);
  const client = gitHubClient(forgeHttp(t, [github.host]), github.origin);
  const ada = github.world.addPerson('ada');
  const demo = await github.world.addRepository({ owner: ada, name: 'demo', private: true });
  const commit = await github.push(demo, 'fix', { 'a.txt': 'a' });
  for (let n = 0; n < 130; n++)
    github.status(demo, commit, { context: `ci/${n}`, state: n < 129 ? 'success' : 'failure' });
  const { items: all } = await client.checks({ token: github.apps.personalToken(ada).value }, NAME, commit);
  t.deepEqual(failedOf(all), ['ci/129']);
  // A matrix has up to 256 jobs.
  const one = github.check(demo, commit, { name: 'matrix', conclusion: 'success', log: '' });
  github.intercept = ({ url = '' }, response) => {
    if (!url.includes(`/runs/${one.id}/jobs`)) return false;
    const is_last = new URL(url, github.origin).searchParams.get('page') === '2';
    const job = github.render.job(demo, is_last ? { ...one, name: 'last', conclusion: 'failure' } : one);
    const link = `<${github.origin}/next>; rel="next"`;
    response.writeHead(200, is_last ? {} : { link }).end(JSON.stringify({ total_count: 101, jobs: [job] }));
    return true;
  };
  const access = { token: github.apps.fineGrainedToken(ada, ['actions', 'statuses']).value };
  t.deepEqual(failedOf((await client.readableChecks(access, NAME, commit)).items).sort(), ['ci/129', 'last']);
});

function failedOf(checks: Check[]): string[] {
  return checks.filter(({ state }) => state === 'failed').map(({ name }) => name);
}
