import { glob } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { ForgeApiError } from '../../../coordinator/forge/forge-api-error.ts';
import { giteaClient } from '../../../coordinator/forge/gitea/gitea-client.ts';
import { gitHubClient } from '../../../coordinator/forge/github/github-client.ts';
import { CountingThreads } from '../../support/counting-threads.ts';
import { testEachForge } from '../../support/forge/each-forge.ts';
import { forgeHttp } from '../../support/forge/forge-http.ts';
import { startGitea } from '../../support/forge/gitea/stand-in.ts';
import { startGitHub } from '../../support/forge/github/stand-in.ts';
import { ThreadPool } from '../../../coordinator/base/threads.ts';
import type { ForgeKind } from '../../../protocol/forges.ts';

const NAME = { owner: 'ada', name: 'demo' };
/** Values that nobody reads. */
const many = (count: number) => `[${'0,'.repeat(count)}0]`;

async function scene(t: Parameters<typeof startGitHub>[0], kind: ForgeKind, threads: ThreadPool) {
  const forge = kind === 'github' ? await startGitHub(t) : await startGitea(t);
  const http = forgeHttp(t, [forge.host], { threads });
  const client = (kind === 'github' ? gitHubClient : giteaClient)(http, forge.origin);
  const ada = forge.world.addPerson('ada');
  const demo = await forge.world.addRepository({ owner: ada, name: 'demo' });
  return { forge, client, ada, demo, access: { token: forge.apps.personalToken(ada).value } };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** Answers all calls with this JSON. */
function answerWith(forge: Scene['forge'], body: string): void {
  forge.intercept = (_, response) => Boolean(response.writeHead(200).end(body));
}

testEachForge('a large answer is read in a thread, and only what is used comes back', async (t, kind) => {
  const threads = new CountingThreads();
  const { forge, client, ada, demo, access } = await scene(t, kind, threads);
  const issue = forge.openIssue(demo, ada, { title: 'It fails' });
  t.is((await client.thread(access, NAME, issue.number, 100)).title, 'It fails');
  t.deepEqual(threads.jobs, [], 'a small one is read here');
  for (let n = 0; n < 50; n++) forge.comment(demo, issue, ada, `${n} ${'x'.repeat(10_000)}`);
  const { comments } = await client.thread(access, NAME, issue.number, 100);
  t.is(comments.length, 50);
  t.is(comments[49]?.body, `49 ${'x'.repeat(10_000)}`);
  const [job, ...others] = threads.jobs;
  t.like(job, { name: 'COMMENTS', key: forge.host });
  t.true((job?.bytes ?? 0) > 500_000);
  t.false(JSON.stringify(job?.value).includes('updated_at'));
  t.deepEqual(others, []);
});

testEachForge('a large answer that is not what the API promises is refused as a small one is', async (t, kind) => {
  const threads = new CountingThreads();
  const { forge, client, access } = await scene(t, kind, threads);
  const cases: [string, boolean, RegExp][] = [
    [`{"id": 1, "more": ${many(50_000)}}`, true, /login is not as expected/],
    [`{"id": 1, "more": ${many(50_000)}`, false, /it is not JSON/],
    [`<html>${'<p>Try again later.'.repeat(50_000)}`, false, /it is not JSON/],
    ['['.repeat(50_000), true, /nested deeper/],
  ];
  for (const [body, malformed, message] of cases) {
    answerWith(forge, body);
    const error = await t.throwsAsync(client.me(access), { instanceOf: ForgeApiError, message });
    t.like(error, { fault: 'unreachable', malformed }, body.slice(0, 20));
  }
  t.is(threads.jobs.length, cases.length);
});

testEachForge('an answer that has not changed is read again, also in a thread', async (t, kind) => {
  const threads = new CountingThreads();
  const { forge, client, access } = await scene(t, kind, threads);
  const body = `{"id": 1, "login": "ada", "more": ${many(12_000)}}`;
  let unchanged = 0;
  forge.intercept = ({ headers }, response) => {
    const status = headers['if-none-match'] === '"1"' ? 304 : 200;
    if (status === 304) unchanged++;
    return Boolean(response.writeHead(status, { etag: '"1"' }).end(status === 304 ? undefined : body));
  };
  for (let n = 0; n < 3; n++) t.is((await client.me(access)).login, 'ada');
  t.deepEqual(
    (await Promise.all([client.me(access), client.me(access)])).map(({ login }) => login),
    ['ada', 'ada'],
  );
  t.is(unchanged, 4);
  t.is(threads.jobs.length, 5);
});

testEachForge(
  'where too many large answers wait, the forge counts as away, and the server is said to be busy',
  async (t, kind) => {
    const { forge, client, access } = await scene(t, kind, new ThreadPool({ waiting_max: 0 }));
    answerWith(forge, `{"id": 1, "login": "ada", "more": ${many(50_000)}}`);
    const error = await t.throwsAsync(client.me(access), {
      instanceOf: ForgeApiError,
      message: /^The server has too much/,
    });
    t.like(error, { fault: 'unreachable', malformed: false });
  },
);

test('a thread finds each job by its module and its name', async (t) => {
  let found = 0;
  for await (const file of glob('coordinator/forge/**/*.ts')) {
    const exported: Record<string, unknown> = await import(pathToFileURL(resolve(file)).href);
    for (const [name, value] of Object.entries(exported)) {
      if (typeof value !== 'object' || value === null || !('run' in value && 'module' in value)) continue;
      t.like(value, { module: file, name });
      found++;
    }
  }
  t.true(found > 40, String(found));
});
