import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { request } from 'undici';
import type { Caller, WorkerProxy } from '../../coordinator/worker-api/caller.ts';
import { temporaryFolder } from '../support/folder.ts';
import { git } from '../support/git-server.ts';
import { serveRepository } from '../support/mock-coordinator/git.ts';
import { MockCoordinator } from '../support/mock-coordinator/mock.ts';
import { until } from '../support/until.ts';

const PAGE = new URL('../../protocol/README.md', import.meta.url);
const WORKER = new URL('../support/python-worker/worker.py', import.meta.url);

/** The Python of the page: the relay, the git commands, and the relay for an agent. */
async function pythonOfPage(): Promise<[string, string, string]> {
  const page = await readFile(PAGE, 'utf8');
  const [relay = '', commands = '', agent = ''] = [...page.matchAll(/```python\n(.*?)```/gs)].map(
    ([, code = '']) => code,
  );
  return [relay, commands, agent];
}

/** A coordinator that has only a socket, and the environment for the code of the page. */
async function onSocket(t: ExecutionContext, llm?: WorkerProxy) {
  const folder = await temporaryFolder(t);
  const repository = await serveRepository('errand://sample', folder);
  const mock = new MockCoordinator({ socket_path: join(folder, 'c.sock'), git: repository.proxy, ...(llm && { llm }) });
  await mock.start();
  t.teardown(async () => {
    await mock.stop();
    await repository.close();
  });
  const task = mock.addTask();
  const given = { task_id: task.id, token: task.token, workspace: folder, branch: task.base.branch };
  const names = Object.entries(given).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const start = (...code: string[]) => {
    const env = { PATH: process.env.PATH, HOME: folder, GIT_TERMINAL_PROMPT: '0', ERRAND_COORDINATOR: mock.address };
    const child = spawn('python3', ['-c', [...names, ...code].join('\n')], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    t.teardown(() => child.kill('SIGKILL'));
    return child;
  };
  return { folder, mock, task, place: repository.place, start };
}

test('the relay and the git commands of the page work as they stand there, and do not store the token', async (t) => {
  const { folder, task, place, start } = await onSocket(t);
  const [relay, commands] = await pythonOfPage();
  t.deepEqual(await once(start(relay, commands), 'exit'), [0, null]);
  // The next worker has the clone, and a relay on another port.
  t.deepEqual(await once(start(relay, commands), 'exit'), [0, null]);
  t.is(await git(place, 'rev-parse', task.base.branch), await git(place, 'rev-parse', 'main'));
  t.false((await readFile(join(folder, 'repo/.git/config'), 'utf8')).includes(task.token));
});

test('the relay of the page carries large bodies at once, and outlives a coordinator that is away', async (t) => {
  const { mock, task, start } = await onSocket(t);
  const [relay] = await pythonOfPage();
  const child = start(relay, 'import sys', 'print(relay.server_address[1], flush=True)', 'sys.stdin.read()');
  const [port] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const origin = `http://127.0.0.1:${Number(port)}/internal/tasks/${task.id}`;
  const headers = { authorization: `Bearer ${task.token}`, 'content-type': 'application/json' };
  const fetched = async () => {
    const response = await request(`${origin}/assignment`, { headers });
    return (await response.body.text()).length;
  };
  task.say('x'.repeat(2_000_000));
  t.true((await Promise.all(Array.from({ length: 20 }, fetched))).every((chars) => chars > 2_000_000));
  await mock.stop();
  await t.throwsAsync(fetched());
  await mock.start();
  t.true((await fetched()) > 2_000_000);
  const event = {
    seq: 1,
    at: new Date().toISOString(),
    type: 'log',
    body: { level: 'info', text: 'x'.repeat(19_000) },
  };
  const events = Array.from({ length: 50 }, (_, i) => ({ ...event, seq: i + 1 }));
  const body = JSON.stringify({ attempt: 1, events });
  const response = await request(`${origin}/events`, { method: 'POST', headers, body });
  t.is(response.statusCode, 200, await response.body.text());
});

test('the relay for an agent adds the newest token to requests to the model and to CONNECT', async (t) => {
  const seen: string[] = [];
  const llm = {
    forward: async (_: IncomingMessage, response: ServerResponse, __: Caller, path: string) => {
      seen.push(path);
      response.end('{}');
    },
  };
  const { task, start } = await onSocket(t, llm);
  const [relay, , agent] = await pythonOfPage();
  const newest = `token = sys.stdin.readline().strip()`;
  const child = start(
    relay,
    agent,
    'import sys',
    'token = "old"',
    'print(agent_relay.server_address[1], flush=True)',
    newest,
    'sys.stdin.read()',
  );
  const [port] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const origin = `http://127.0.0.1:${Number(port)}`;
  const ask = async () => {
    const headers = { 'x-api-key': 'any', 'content-type': 'application/json' };
    const response = await request(`${origin}/v1/messages?beta=true`, { method: 'POST', headers, body: '{}' });
    await response.body.dump();
    return response.statusCode;
  };
  t.is(await ask(), 401);
  child.stdin.write(`${task.token}\n`);
  await until('the newest token is used', async () => (await ask()) === 200);
  t.is(await ask(), 200, 'each request has the token');
  t.is(seen[0], '/v1/messages?beta=true');
  const tunnel = connect({ host: '127.0.0.1', port: Number(port) });
  tunnel.end('CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n');
  const [answer] = (await once(tunnel.setEncoding('utf8'), 'data')) as [string];
  t.notRegex(answer, /^HTTP\/1\.1 40[17]/);
  tunnel.destroy();
});

test('the worker in Python has the relay of the page', async (t) => {
  const lines = (text: string) =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  const [relay] = await pythonOfPage();
  const worker = lines(await readFile(WORKER, 'utf8'));
  for (const line of lines(relay).filter((line) => !line.startsWith('import '))) t.true(worker.includes(line), line);
});

for (const path of ['README.md', 'worker.ts'])
  test(`protocol/${path} says what a worker finds and how it reaches git`, async (t) => {
    const text = (await readFile(new URL(path, PAGE), 'utf8')).replaceAll(/\s+\*?\s*/g, ' ');
    for (const words of ['`spool` in the workspace', '/internal/tasks/', 'may overlap', 'ERRAND_SPOOL', '/tmp'])
      t.true(text.includes(words), words);
  });
