import test, { type ExecutionContext } from 'ava';
import { changePull } from '../../../coordinator/forge/pulls/pull-commands.ts';
import { listPullsOf } from '../../../coordinator/sqlite/pulls.ts';
import type { TaskResult } from '../../../protocol/task.ts';
import { CommandLine } from '../../support/command-line.ts';
import { signInScene } from '../../support/forge/sign-in-scene.ts';
import { StagedErrand } from '../../support/staged-errand.ts';
import { PASSWORD, startApi, type StartedApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';

const RESULT: TaskResult = {
  summary: 'The bill is split evenly now.',
  branch: 'errand/x-mend-it',
  commit: 'a'.repeat(40),
  base_commit: null,
  diff_stat: { files: 1, insertions: 3, deletions: 1 },
};

/** A person at a command line, whose server fails where the test says so. */
async function stage(t: ExecutionContext, server: StartedApi) {
  const { api, session } = await server.person();
  const proxy = await startFaultyProxy(t, server.url);
  const cli = await CommandLine.create(t);
  await cli.run(['login', '--server', proxy.url, '--email', session.user.email], { stdin: `${PASSWORD}\n` });
  /** Fails the requests to a path until it is called again, without one. */
  const fail = (path?: string) => {
    const seen = { count: 0 };
    proxy.answer = ({ url }, response) => {
      if (path === undefined || url !== path) return false;
      seen.count++;
      const problem = { type: 'urn:errand:problem:internal', title: 'internal', status: 500, code: 'internal' };
      response.writeHead(500, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
      return true;
    };
    return seen;
  };
  return { api, session, cli, fail };
}

for (const how of ['as text', 'as JSON'])
  test(`watch tells how the errand ended, though the server fails for a while then: ${how}`, async (t) => {
    const server = await startApi(t);
    const { api, cli, fail } = await stage(t, server);
    const { id } = await api.call('createTask', { body: { prompt: 'Mend the bill', repo_url: 'errand://sample' } });
    const errand = new StagedErrand(server.log, id);
    const watching = cli.start(['watch', id, ...(how === 'as JSON' ? ['--json'] : [])]);
    errand.begin();
    await watching.shows('running');
    const faults = fail(`/tasks/${id}`);
    errand.end('succeeded', null, RESULT);
    await until('it was refused', () => faults.count > 1 || watching.child.exitCode !== null);
    fail();
    const { code, stdout, stderr } = await watching.ended;
    t.is(code, 0, stderr);
    t.true(stdout.includes(RESULT.summary), stdout);
    t.true(stderr.includes('Trying again until it is back.') && stderr.includes('The connection is back.'), stderr);
  });

test('pr goes on to wait for the forge where the server fails for a while', async (t) => {
  const server = await startApi(t);
  const { api, cli, fail } = await stage(t, server);
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'https://github.com/ada/demo' } });
  const errand = new StagedErrand(server.log, id);
  errand.begin();
  errand.end('succeeded', null, RESULT);
  const faults = fail(`/tasks/${id}`);
  const asking = cli.start(['pr', id]);
  await until('it was refused', () => faults.count > 1 || asking.child.exitCode !== null);
  const [row] = listPullsOf(server.db, id);
  const failed = { state: 'failed', problem: 'There is no token for github.com.', next_look_at: null } as const;
  server.log.write((tx) => changePull(tx, row?.id ?? '', failed, '2026-01-01T00:00:00.000Z'));
  fail();
  const { code, stdout, stderr } = await asking.ended;
  t.is(code, 1, stderr);
  t.regex(stdout, /no token for github\.com/);
});

test('link goes on to ask whether the code was typed where the server fails for a while', async (t) => {
  t.timeout(60_000);
  const scene = await signInScene(t);
  const { cli, fail } = await stage(t, scene.server);
  const linking = cli.start(['link']);
  const code = await until('the code is shown', () => /type the code (\w{4}-\w{4})/.exec(linking.stderr)?.[1], 20_000);
  const faults = fail('/links/device');
  await until('it was refused', () => faults.count > 0 || linking.child.exitCode !== null, 20_000);
  scene.github.sign_in.enterDeviceCode(code, scene.github.world.addPerson('ann'));
  fail();
  const { stdout, stderr } = await linking.ended;
  t.regex(stdout, /^ann at .* is linked\.\n$/, stderr);
});
