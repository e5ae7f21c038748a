import type { NetConnectOpts } from 'node:net';
import { listenersOf, type ListenerAddress } from '../support/listeners.ts';
import type { Scene } from './scene.ts';

/** A listener under attack. */
export type Target = {
  name: string;
  to: NetConnectOpts;
  /** Request targets that it serves: of plain requests, of WebSocket upgrades, of CONNECT. */
  paths: string[];
  sockets?: string[];
  tunnels?: string[];
  /** Valid headers for it, one per line. */
  headers: string[];
  /** A request whose response has status 200. */
  normal: string;
};

/** Every listener of the coordinator's and the worker's process. Throws if an unknown one is open. */
export function targetsOf(scene: Scene): Target[] {
  const { coordinator, worker } = scene;
  return [
    ...listenersOf(coordinator.pid)
      .filter((at) => !isOwnUsers(at))
      .map((at) => coordinatorTarget(scene, at)),
    ...listenersOf(worker.pid).map((at) => workerTarget(scene, at)),
  ];
}

/** The sockets of backups and of log-in links speak no HTTP, and only the server's own user can open them. */
function isOwnUsers(at: ListenerAddress): boolean {
  return 'path' in at && /\/(copy|login)\.sock$/.test(at.path);
}

function coordinatorTarget(scene: Scene, at: ListenerAddress): Target {
  const { url, callback_port, worker } = scene;
  if ('path' in at) {
    if (at.path !== worker.coordinator_socket) throw new Error(`Nobody told this test of the socket ${at.path}.`);
    return { name: "a worker's socket of the coordinator", to: at, ...workerApi(scene) };
  }
  const to = { port: at.port, host: '127.0.0.1' };
  if (at.port === Number(new URL(url).port)) return { name: 'the public port', to, ...publicApi(scene) };
  if (at.port === callback_port) return { name: "the workers' TCP port", to, ...workerApi(scene) };
  return { name: 'the demo model', to, ...DEMO_MODEL };
}

function workerTarget({ worker, tunnel }: Scene, at: ListenerAddress): Target {
  if ('port' in at)
    return { name: "a worker's forwarder", to: { ...at, host: '127.0.0.1' }, ...forwarder(tunnel, at.port) };
  if (at.path !== worker.socket) throw new Error(`Nobody told this test of the socket ${at.path}.`);
  return { name: "a worker's own server", to: at, ...WORKER };
}

const get = (path: string, ...headers: string[]) => request('GET', path, ...headers);
const request = (method: string, path: string, ...headers: string[]) =>
  [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n');

function publicApi({ session, task_id }: Scene): Omit<Target, 'name' | 'to'> {
  const socket = `/ws/${session.user.id}`;
  return {
    paths: [
      '/healthz',
      '/auth/login',
      '/me',
      '/task',
      '/tasks',
      `/tasks/${task_id}/events`,
      '/ws-ticket',
      '/openapi.json',
    ],
    sockets: [socket, socket, `${socket}?ticket=x`],
    headers: [
      `Authorization: Bearer ${session.access_token}`,
      `Sec-WebSocket-Protocol: errand.v1, bearer.${session.access_token}`,
    ],
    normal: get('/healthz'),
  };
}

const HEARTBEAT = JSON.stringify({ attempt: 1, last_seq: 0, waiting_for: null });
const jsonOf = (body: string) => ['Content-Type: application/json', `Content-Length: ${body.length}`];

function workerApi({ task_id, task_token, tunnel }: Scene): Omit<Target, 'name' | 'to'> {
  const task = `/internal/tasks/${task_id}`;
  const git = [`${task}/git/info/refs?service=git-upload-pack`, `${task}/git/git-receive-pack`];
  const callbacks = ['assignment', 'events', 'heartbeat', 'result', 'llm/v1/messages'].map((name) => `${task}/${name}`);
  return {
    paths: [...callbacks, ...git],
    tunnels: [tunnel],
    headers: [`Authorization: Bearer ${task_token}`, `Proxy-Authorization: Bearer ${task_token}`],
    // An assignment may be fetched a few times a minute only.
    normal:
      request('POST', `${task}/heartbeat`, `Authorization: Bearer ${task_token}`, ...jsonOf(HEARTBEAT)) + HEARTBEAT,
  };
}

const COUNT = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'How long is this?' }] });
const DEMO_MODEL: Omit<Target, 'name' | 'to'> = {
  paths: ['/v1/messages', '/v1/messages/count_tokens'],
  headers: [],
  normal: request('POST', '/v1/messages/count_tokens', `Content-Length: ${COUNT.length}`) + COUNT,
};

const WORKER: Omit<Target, 'name' | 'to'> = {
  paths: ['/healthz', '/status', '/task', '/messages', '/cancel'],
  headers: [],
  normal: get('/healthz'),
};

const forwarder = (tunnel: string, port: number): Omit<Target, 'name' | 'to'> => ({
  paths: ['/git/info/refs?service=git-upload-pack', '/git/git-receive-pack'],
  tunnels: [tunnel],
  headers: [],
  // It answers to its own address alone, which no page of another server has.
  normal: get('/git/info/refs?service=git-upload-pack').replace('localhost', `127.0.0.1:${port}`),
});
