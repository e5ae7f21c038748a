import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose';
import type { ExecutionContext } from 'ava';
import type { Agent } from 'undici';
import { WebSocket } from 'ws';
import { readKeys, type Keys } from '../../coordinator/base/keys.ts';
import type { Session } from '../../protocol/accounts.ts';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { ErrorCode } from '../../protocol/problem.ts';
import { ERROR_STATUS, Problem } from '../../protocol/problem-document.ts';
import { CLOSE, SUBPROTOCOL } from '../../protocol/socket.ts';
import { Api } from '../support/api.ts';
import { CoordinatorProcess, REPORTS_MEMORY, TCP_MAIN } from '../support/coordinator-process.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { taskTokensOf } from '../support/task-tokens.ts';
import { until } from '../support/until.ts';
import { setupCodeOf } from '../support/setup-code.ts';

/* Bad requests of every kind, to every listener of a coordinator in a separate process. */

/** Starts a coordinator with two accounts, and makes tokens that it must refuse. */
export async function startTarget(t: ExecutionContext) {
  const data_dir = await temporaryFolder(t);
  const callback_port = await freePort();
  const settings = {
    ...REPORTS_MEMORY,
    ERRAND_RUNNER: 'process',
    ERRAND_WARM_WORKERS: '1',
    ERRAND_SIGNUP: 'open',
    ERRAND_CALLBACK_PORT: String(callback_port),
    ERRAND_LOG: 'error',
  };
  const coordinator = CoordinatorProcess.start(t, data_dir, settings, TCP_MAIN);
  const url = await coordinator.url();
  const api = new Api(url);
  const [session, other] = [await signUp(api, 'ann', data_dir), await signUp(api, 'bob', data_dir)];
  api.token = session.access_token;
  // The socket of a warm worker accepts no token.
  const workers = join(data_dir, 'workers');
  const worker_socket = await until('a worker is warm', () => {
    const [name] = readdirSync(workers);
    return name !== undefined && join(workers, name, 'coordinator', 'coordinator.sock');
  });
  const task_id = newId();
  const tokens = await foreignTokens({ data_dir, url, callback_port, session, task_id });
  return { coordinator, url, session, other, tokens, task_id, callback_port, worker_socket };
}

const signUp = (api: Api, name: string, data_dir: string): Promise<Session> =>
  api.call('signup', {
    body: {
      email: `${name}@example.org`,
      password: 'correct horse battery',
      setup_code: setupCodeOf(data_dir),
    },
  });

const newestOf = ({ access, task }: Keys) => ({ access: access.newest.key, task: task.newest.key });

type Tokens = { data_dir: string; url: string; callback_port: number; session: Session; task_id: string };

/** Tokens that the server refuses everywhere, or only where it expects a person's. */
async function foreignTokens({ data_dir, url, callback_port, session, task_id }: Tokens): Promise<string[]> {
  const { access, task } = newestOf(readKeys(data_dir));
  const good = decodeJwt(session.access_token);
  const sign = (claims: object, key: Uint8Array, typ = 'at+jwt') =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256', typ }).sign(key);
  // This token is accepted; each one below has one fault.
  await new Api(url, await sign(good, access)).call('me', {});
  const task_token = await signedTaskToken(data_dir, callback_port, task_id);
  const [head, body, signature] = session.access_token.split('.');
  return [
    '',
    'nonsense',
    'a.b.c',
    'x'.repeat(5000),
    session.refresh_token,
    `${head}.${body}.`,
    `${head}.${body}.${signature?.split('').toReversed().join('')}`,
    new UnsecuredJWT(good).encode(),
    await sign(good, crypto.getRandomValues(new Uint8Array(32))),
    await sign({ ...good, iss: 'another-server' }, access),
    await sign({ ...good, aud: 'errand:task' }, access),
    await sign({ ...good, exp: 1 }, access),
    await sign(good, access, 'task+jwt'),
    await sign(good, task),
    task_token,
  ];
}

/** A task token whose signature the server accepts, for a task that does not exist. */
async function signedTaskToken(data_dir: string, callback_port: number, task_id: string): Promise<string> {
  const token = await taskTokensOf(data_dir).issue(task_id, 1);
  const reply = await fetch(`http://127.0.0.1:${callback_port}/internal/tasks/${task_id}/heartbeat`, {
    method: 'POST',
    headers: bearing(token),
    body: JSON.stringify({ attempt: 1, last_seq: 0, waiting_for: null }),
  });
  const { detail } = Problem.parse(await reply.json());
  if (detail !== 'The task token belongs to an attempt that does not exist.') throw new Error(`The server: ${detail}`);
  return token;
}

type Target = Awaited<ReturnType<typeof startTarget>>;
type Bad = { name: string; send: () => Promise<void> };
type Sent = { method?: 'GET' | 'POST' | 'PUT'; headers?: Record<string, string>; body?: string };

/** Every kind of bad request. `send` rejects if the response is not the expected one. */
export function badRequests(target: Target, agent: Agent, socket_agent: Agent): Bad[] {
  const { url, tokens, callback_port } = target;
  const internal = `http://127.0.0.1:${callback_port}`;
  return [
    ...badBodies(caller(agent, url), target.session.access_token),
    ...badAddresses(caller(agent, url), target),
    ...badSockets(target),
    { name: 'a request that is cut off', send: () => cutOff(url) },
    ...tokens.flatMap((token) => [
      {
        name: `on the public API, the token '${token}'`,
        send: () => caller(agent, url)('/tasks', { method: 'GET', headers: bearing(token) }, 'unauthenticated'),
      },
    ]),
    ...[...tokens, target.session.access_token].flatMap((token) => [
      ...badCallers('over TCP', caller(agent, internal), target.task_id, token),
      ...badCallers("on a worker's socket", caller(socket_agent, 'http://coordinator'), target.task_id, token),
    ]),
  ];
}

const JSON_TYPE = { 'content-type': 'application/json' };
const bearing = (token: string) => ({ ...JSON_TYPE, authorization: `Bearer ${token}` });

type Call = (path: string, sent: Sent, ...codes: ErrorCode[]) => Promise<void>;

/** Sends a request. Rejects if the response is not a problem document with one of `codes`. */
function caller(agent: Agent, origin: string): Call {
  return async (path, { method = 'POST', headers = JSON_TYPE, body }, ...codes) => {
    const answer = await agent.request({ origin, path, method, headers, body: body ?? null });
    const text = await answer.body.text();
    const type = String(answer.headers['content-type']);
    // Git shows no body: the error code is in a header.
    const for_git = path.includes('/git/');
    const code = for_git ? answer.headers['errand-error'] : Problem.parse(JSON.parse(text)).code;
    const known = codes.find((expected) => expected === code);
    const as_problem = for_git || type.startsWith('application/problem+json');
    if (known === undefined || answer.statusCode !== ERROR_STATUS[known] || !as_problem)
      throw new Error(`${method} ${path} was answered ${answer.statusCode} ${type}: ${text}`);
  };
}

function badBodies(call: Call, token: string): Bad[] {
  const headers = bearing(token);
  const repo_url = 'https://forge.example/a/b';
  const urls = ['file:///etc/passwd', 'ext::sh -c id', '--upload-pack=id', '-u', 'git@alias:a/b'];
  const bodies: unknown[] = [
    { prompt: 'x', repo_url, colour: 'red' },
    { prompt: 7, repo_url },
    { prompt: 'x', repo_url, budget_usd: '5' },
    [],
    null,
    ...urls.map((url) => ({ prompt: 'x', repo_url: url })),
  ];
  const large = JSON.stringify({ prompt: 'x'.repeat(LIMITS.request_body_bytes_max), repo_url });
  return [
    ...bodies
      .map((body) => JSON.stringify(body))
      .map((body) => ({ name: `the body ${body}`, send: () => call('/task', { headers, body }, 'invalid') })),
    { name: 'invalid JSON', send: () => call('/task', { headers, body: '{"prompt":' }, 'invalid') },
    {
      name: 'a body with another content type',
      send: () =>
        call('/task', { headers: { ...headers, 'content-type': 'text/plain' }, body: '{}' }, 'unsupported_media_type'),
    },
    { name: 'a body too large', send: () => call('/task', { headers, body: large }, 'too_large') },
  ];
}

function badAddresses(call: Call, { session, task_id }: Target): Bad[] {
  const mine = { method: 'GET', headers: bearing(session.access_token) } as const;
  const wrong = JSON.stringify({ email: session.user.email, password: 'not this one' });
  return [
    { name: 'an unknown path', send: () => call('/no/such/path', {}, 'not_found') },
    { name: 'another method', send: () => call('/task', { ...mine, method: 'PUT' }, 'method_not_allowed') },
    { name: 'an unknown task', send: () => call(`/tasks/${task_id}`, mine, 'not_found') },
    { name: 'a query of the wrong type', send: () => call('/tasks?limit=many', mine, 'invalid') },
    {
      name: 'a wrong password',
      send: () => call('/auth/login', { body: wrong }, 'wrong_credentials', 'rate_limited'),
    },
  ];
}

/** The calls of a worker, with a token that is not one of its task tokens. */
function badCallers(where: string, call: Call, task_id: string, token: string): Bad[] {
  const task = `/internal/tasks/${task_id}`;
  const get = { method: 'GET', headers: bearing(token) } as const;
  const post = { headers: bearing(token), body: JSON.stringify({ attempt: 1, last_seq: 0, waiting_for: null }) };
  const calls: [string, Sent, ErrorCode][] = [
    ['heartbeat', post, 'unauthenticated'],
    ['assignment', get, 'unauthenticated'],
    ['git/info/refs?service=git-upload-pack', get, 'unauthenticated'],
    ['nothing', post, 'not_found'],
  ];
  return calls.map(([path, sent, code]) => ({
    name: `${where}, ${path} with the token '${token}'`,
    send: () => call(`${task}/${path}`, sent, code),
  }));
}

function badSockets({ url, session, other, tokens }: Target): Bad[] {
  const mine = socketUrl(url, session);
  const protocols = [SUBPROTOCOL, `bearer.${session.access_token}`];
  const large = 'x'.repeat(LIMITS.socket_frame_bytes_max + 1);
  return [
    { name: 'a socket with an unknown path', send: () => refused(`${mine}/more`, protocols, 404) },
    { name: "another's socket", send: () => closed(socketUrl(url, other), protocols, CLOSE.not_found) },
    { name: 'a socket without a token', send: () => closed(mine, [SUBPROTOCOL], CLOSE.unauthenticated) },
    { name: 'a ticket', send: () => closed(`${mine}?ticket=x`, [SUBPROTOCOL], CLOSE.unauthenticated) },
    { name: 'a frame too large', send: () => closed(mine, protocols, 1009, large) },
    { name: 'invalid frames', send: () => misunderstood(mine, protocols) },
    ...tokens
      .filter((token) => token !== '')
      .map((token) => ({
        name: `a socket with the token '${token}'`,
        send: () => closed(mine, [SUBPROTOCOL, `bearer.${token}`], CLOSE.unauthenticated),
      })),
  ];
}

export const socketUrl = (url: string, { user }: Session): string => `${url.replace('http', 'ws')}/ws/${user.id}`;

async function cutOff(url: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    'POST /task HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"pro',
    () => socket.destroy(),
  );
  await once(socket, 'close');
}

/** The server closes the socket with this code; `text` is sent once it is open. */
async function closed(url: string, protocols: string[], code: number, text?: string): Promise<void> {
  const socket = new WebSocket(url, protocols);
  socket.on('error', () => undefined);
  if (text !== undefined) socket.once('open', () => socket.send(text));
  const [got] = (await once(socket, 'close')) as [number];
  if (got !== code) throw new Error(`${url} was closed with ${got}, not with ${code}`);
}

/** The server refuses the upgrade with this status. */
async function refused(url: string, protocols: string[], status: number): Promise<void> {
  const socket = new WebSocket(url, protocols);
  socket.on('error', () => undefined);
  const [, response] = (await once(socket, 'unexpected-response')) as [ClientRequest, IncomingMessage];
  response.resume();
  if (response.statusCode !== status) throw new Error(`${url} was refused with ${response.statusCode}, not ${status}`);
}

/** Each frame is answered with an error, and the socket stays open. */
async function misunderstood(url: string, protocols: string[]): Promise<void> {
  const socket = new WebSocket(url, protocols);
  const types: unknown[] = [];
  const frames = [
    '{',
    '{"type":"shout"}',
    '{"type":"subscribe","after":"now"}',
    '{"type":"subscribe","after":0,"more":1}',
  ];
  socket.on('message', (data: Buffer) => types.push((JSON.parse(data.toString()) as { type: unknown }).type));
  await once(socket, 'open');
  for (const frame of frames) socket.send(frame);
  await until('every frame is answered', () => types.filter((type) => type === 'error').length === frames.length);
  socket.close();
  await once(socket, 'close');
}

/** Sends `count` bad requests, eight at a time, taking turns between the kinds. */
export async function flood(bads: Bad[], count: number): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) {
      const bad = bads[next++ % bads.length];
      await bad?.send().catch((cause: unknown) => {
        throw new Error(bad.name, { cause });
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
}
