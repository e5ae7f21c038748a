import { once } from 'node:events';
import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { startScene } from '../fuzz/scene.ts';
import { listeningPorts } from '../support/listening-ports.ts';

/* What a page in a browser of the server's machine can send to each TCP port, whoever opened it. */

type Answer = { status: number; headers: IncomingHttpHeaders; body: string };

async function send(port: number, method: string, path: string, headers: OutgoingHttpHeaders): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port, method, path, headers }).end(method === 'POST' ? '{}' : undefined);
  // An upgrade that is refused is an ordinary response; one that is taken fails the test.
  const [response] = await Promise.race([
    once(sent, 'response'),
    once(sent, 'upgrade').then(() => Promise.reject(new Error(`${path} on port ${port} was upgraded.`))),
  ]);
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

test("no port of the server or of a worker serves a page that is not the server's own", async (t) => {
  t.timeout(120_000);
  const scene = await startScene(t);
  const { user, access_token } = scene.session;
  const upgrade = {
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': `errand.v1, bearer.${access_token}`,
  };
  const bearer = { authorization: `Bearer ${access_token}` };
  const task = { authorization: `Bearer ${scene.task_token}` };
  const json = { 'content-type': 'text/plain' };
  const requests: [method: string, path: string, headers: OutgoingHttpHeaders][] = [
    ['GET', '/', { accept: 'text/html' }],
    ['GET', '/healthz', {}],
    ['GET', '/readyz', {}],
    ['GET', '/me', bearer],
    ['OPTIONS', '/auth/login', { 'access-control-request-method': 'POST' }],
    ['POST', '/auth/login', json],
    ['POST', '/task', { ...json, ...bearer }],
    ['POST', '/v1/messages', json],
    ['GET', `/ws/${user.id}`, upgrade],
    ['GET', `/internal/tasks/${scene.task_id}/assignment`, task],
    ['POST', `/internal/tasks/${scene.task_id}/heartbeat`, { ...json, ...task }],
    ['GET', '/git/info/refs?service=git-upload-pack', {}],
    ['GET', '/status', {}],
  ];
  const servers = listeningPorts(scene.coordinator.pid);
  const workers = listeningPorts(scene.worker.pid ?? 0);
  t.true(servers.length >= 3, `the API, the callbacks and the demo model: ${servers.join()}`);
  t.true(workers.length >= 1, `the proxy for the commands: ${workers.join()}`);
  for (const port of [...servers, ...workers])
    for (const [method, path, headers] of requests)
      for (const foreign of [
        { host: `evil.example:${port}` },
        { host: `evil.example:${port}`, origin: `http://evil.example:${port}` },
        { origin: 'https://evil.example' },
        { origin: 'http://localhost:3000' },
        { origin: 'null' },
      ]) {
        const answer = await send(port, method, path, { ...headers, ...foreign });
        const what = `${method} ${path} on ${port} with ${JSON.stringify(foreign)}: ${answer.status} ${answer.body}`;
        // The workers' own proxy serves nothing but git, and for a page not that.
        t.true(servers.includes(port) ? answer.status === 403 : [403, 404].includes(answer.status), what);
        t.is(answer.headers['access-control-allow-origin'], undefined, what);
      }
  const own = new URL(scene.url).port;
  t.is((await send(Number(own), 'GET', '/me', { ...bearer, origin: scene.url })).status, 200);
  t.is((await send(scene.callback_port, 'GET', '/internal/tasks/x/events', task)).status, 405);
  scene.finish();
});
