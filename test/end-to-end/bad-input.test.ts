import { once } from 'node:events';
import { Agent } from 'undici';
import test from 'ava';
import { WebSocket } from 'ws';
import { CLOSE, SUBPROTOCOL } from '../../protocol/socket.ts';
import type { CoordinatorProcess } from '../support/coordinator-process.ts';
import { ended, eventsOf, startErrand } from '../support/errand.ts';
import { until } from '../support/until.ts';
import { badRequests, flood, socketUrl, startTarget } from './bad-requests.ts';
import { BROKEN, byConversation, MEND } from './scenario.ts';

test.serial('a repository that does not exist ends its task in one attempt, with the reason', async (t) => {
  const whole = await startErrand(t, { runner: 'process' });
  const ann = await whole.person('ann');
  await whole.forge.createRepository('there.git');
  const git_token = 'forge-secret-word';
  const project = await ann.api.call('createProject', {
    body: { name: 'gone', repo_url: `${whole.forge.origin}/gone.git`, git_token, check: false },
  });
  const { id } = await ann.api.call('createTask', { body: { prompt: 'Do it', project_id: project.id } });
  const done = await ended(ann, id);
  t.deepEqual([done.status, done.reason, done.attempts.length], ['failed', 'repository_not_found', 1]);
  t.is(
    done.detail,
    `There is no repository at ${whole.forge.origin}/gone.git, or this credential may not see it: check the address, and which repositories the git token is for.`,
  );
});

test.serial('an errand without access to its repository ends with one sentence that says what to do', async (t) => {
  const whole = await startErrand(t, { runner: 'process' });
  const ann = await whole.person('ann');
  const repo_url = await whole.forge.createRepository('secret.git');
  const { host } = new URL(repo_url);
  for (const [git_token, words] of [
    [
      undefined,
      `${host} asks for a credential to read ${repo_url}: give the project a git token, or check the address.`,
    ],
    ['stale', `${host} refused the credential for ${repo_url}: give its project a git token that is valid now.`],
  ] as const) {
    const body = { name: `secret-${git_token}`, repo_url, check: false, ...(git_token && { git_token }) };
    const project = await ann.api.call('createProject', { body });
    const { id } = await ann.api.call('createTask', { body: { prompt: 'Do it', project_id: project.id } });
    const { status, reason, detail } = await ended(ann, id);
    t.deepEqual([status, reason, detail], ['failed', 'repository_not_found', words]);
  }
});

test.serial('an unreachable forge is retried, and the task continues once it is reachable', async (t) => {
  const whole = await startErrand(t, { runner: 'process', model: byConversation(MEND) });
  const ann = await whole.person('ann');
  const project_id = await whole.project(ann, 'adder', BROKEN);
  whole.forge.intercept = (request) => {
    request.socket.destroy();
    return true;
  };
  const { id } = await ann.api.call('createTask', { body: { prompt: 'Make the tests pass', project_id } });
  const waiting = await until('the first attempt has ended', async () => {
    const task = await ann.api.call('getTask', { params: { id } });
    return task.attempts.some(({ ended_at }) => ended_at !== null) && task;
  });
  t.deepEqual([waiting.status, waiting.reason, waiting.attempts.length], ['queued', 'repository_unavailable', 1]);
  t.regex(waiting.detail ?? '', /could not be (fetched|reached)/);
  t.is(waiting.waiting_for?.kind, 'limit');
  whole.forge.intercept = undefined;
  const done = await ended(ann, id);
  t.deepEqual([done.status, done.attempts.length], ['succeeded', 2]);
  const [failed] = (await eventsOf(ann, id)).filter((event) => event.type === 'attempt.ended');
  t.is(typeof failed?.body['retry_at'], 'string');

  const logged = whole.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const upstream = logged.filter(({ msg }) => msg === 'worker call failed upstream');
  t.true(upstream.length > 0);
  for (const line of upstream) {
    t.like(line, { level: 40, code: 'upstream_unreachable' });
    t.false(JSON.stringify(line).includes('stack'), 'a forge that is down is no fault of this code');
  }
  t.false(logged.some(({ msg }) => msg === 'worker call failed'));
  t.deepEqual(
    logged
      .filter(({ level, task_id, msg }) => level === 30 && task_id === id && msg !== 'push forwarded')
      .map(({ msg, status }) => [msg, status]),
    [
      ['attempt started', undefined],
      ['attempt ended', 'failed'],
      ['attempt started', undefined],
      ['attempt ended', 'succeeded'],
      ['errand ended', 'succeeded'],
    ],
  );
});

test.serial('while Docker does not answer, a task waits and says so', async (t) => {
  const whole = await startErrand(t, { runner: 'docker', env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } });
  const ann = await whole.person('ann');
  const body = { prompt: 'Make the tests pass', repo_url: 'errand://sample' };
  const { id } = await ann.api.call('createTask', { body });
  const { status, waiting_for } = await ann.api.call('getTask', { params: { id } });
  t.is(status, 'queued');
  t.regex(waiting_for?.kind === 'queue' ? (waiting_for.reason ?? '') : '', /Docker does not answer/);
});

/** Private, or at a port that git does not need. Both name the setting that opens it. */
const UNREACHABLE = /(private address|may not be reached).*ERRAND_PRIVATE_HOSTS/;

for (const host of ['127.0.0.1:9', 'localhost', '10.0.0.1', '[::1]:3000', '169.254.169.254'])
  test.serial(
    `a repository at ${host}, which the server's owner has not listed, is refused with an explanation`,
    async (t) => {
      const whole = await startErrand(t, { runner: 'process' });
      const ann = await whole.person('ann');
      const repo_url = `http://${host}/a/b.git`;
      const prompt = 'Read it to me';
      t.regex((await ann.api.refused('createTask', { body: { prompt, repo_url } })).detail ?? '', UNREACHABLE);
      const unchecked = { name: 'P', repo_url, check: false };
      const { id: project_id } = await ann.api.call('createProject', { body: unchecked });
      const { id } = await ann.api.call('createTask', { body: { prompt, project_id } });
      const done = await ended(ann, id);
      t.deepEqual([done.status, done.attempts.length], ['failed', 1]);
      t.regex(done.detail ?? '', UNREACHABLE);
    },
  );

/** Longer than an idle connection stays open. */
const SETTLED_MS = 8_000;

/** The open handles of an idle coordinator, once they no longer change. */
async function settled(coordinator: CoordinatorProcess): Promise<string[]> {
  let handles: string[] = [];
  let since = 0;
  await until(
    'its handles no longer change',
    () => {
      const now = coordinator.handles();
      if (String(now) !== String(handles)) since = performance.now();
      handles = now;
      return performance.now() - since > SETTLED_MS;
    },
    60_000,
  );
  return handles;
}

test.serial('after thousands of bad requests of every kind, handles and memory are as before', async (t) => {
  const target = await startTarget(t);
  const { coordinator, url, session } = target;
  /** Sends requests over new connections, and closes them at the end. */
  const round = async (count: number): Promise<void> => {
    const [agent, socket_agent] = [new Agent(), new Agent({ connect: { socketPath: target.worker_socket } })];
    try {
      await flood(badRequests(target, agent, socket_agent), count);
    } finally {
      await Promise.all([agent.destroy(), socket_agent.destroy()]);
    }
  };
  await round(600);
  const idle = await settled(coordinator);
  const memory = await coordinator.memory();

  const mine = socketUrl(url, session);
  const protocols = [SUBPROTOCOL, `bearer.${session.access_token}`];
  const mute = Array.from({ length: 20 }, () => new WebSocket(mine, protocols));
  const codes = mute.map(async (socket) => ((await once(socket, 'close')) as [number])[0]);
  await round(4000);
  t.deepEqual(
    await Promise.all(codes),
    mute.map(() => CLOSE.bad_frame),
  );
  t.deepEqual(await settled(coordinator), idle);
  const grown = (await coordinator.memory()) - memory;
  t.log(`${idle.length} handles; memory in use grew by ${Math.round(grown / 1024)} KiB`);
  t.true(grown < 4 * 1024 * 1024, `${grown} bytes more are in use`);
  t.is((await fetch(`${url}/readyz`)).status, 200);
});
