import { once } from 'node:events';
import { WebSocket } from 'ws';
import { ROUTES } from '../../../protocol/routes.ts';
import type { Route } from '../../../protocol/route.ts';
import { rawExchange, upgradeRequest } from '../../support/raw-connection.ts';
import type { AttackGroup } from '../attempt.ts';
import { OWN_ADDRESS, type AttackScene } from '../scene.ts';
import { answer, request, REQUEST_REFUSED as NOTICED, type Token } from './by-request.ts';

const nobody: Token = () => undefined;
const attacker: Token = ({ attacker: { api } }) => api.token;
const ofVictim = ({ victim: { task_id } }: AttackScene) => ({ params: { id: task_id } });
const NEEDS_LOG_IN = (['me', 'listTasks', 'listProjects', 'createTask', 'wsTicket'] as const).filter(
  (name) => (ROUTES[name] as Route).auth !== 'none',
);

const FLOODS: [string, (socket: WebSocket) => void][] = [
  ['frames that are not valid', (socket) => socket.send('x')],
  ['frames that are valid', (socket) => socket.send('{"type":"unsubscribe","scope":"all"}')],
  ['pings', (socket) => socket.ping()],
];

/** What a stranger tries who has no account. */
export const STRANGER: AttackGroup = {
  from: 'outside',
  about: 'without an account',
  attempts: [
    ...NEEDS_LOG_IN.map((name) => request(`call ${name} without a token`, /^401/, name, nobody)),
    request('call with a token that is none', /^401/, 'me', () => 'x'.repeat(200)),
    request('call with a token of 15 kB', /^(401|431)/, 'me', () => 'x'.repeat(15_000)),
    request('call with a token without a signature', /^401/, 'me', ({ victim }) => {
      const [, body = ''] = victim.session.access_token.split('.');
      return `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${body}.`;
    }),
    request("call with a worker's token", /^401/, 'me', (scene) => scene.token(scene.victim)),
    request('guess a password', /^401/, 'login', nobody, () => ({
      body: { email: 'victim@example.org', password: 'wrong horse' },
    })),
    request('refresh with a token that is none', /^401/, 'refresh', nobody, () => ({
      body: { refresh_token: 'x'.repeat(43) },
    })),
    request('read the metrics', /^401/, 'metrics', nobody),
    request('read the metrics with a wrong token', /^401/, 'metrics', () => 'metrics-token'),
    request('send a body of 300 kB', /^413/, 'login', nobody, () => ({ body: { email: 'x'.repeat(300_000) } })),
    request('send keys that change the prototype', /^4\d\d/, 'login', nobody, () => ({
      body: JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}') as unknown,
    })),
    {
      name: 'read a file of the machine by its path',
      refused: /^4\d\d/,
      noticed: NOTICED,
      make: ({ url }) => raw(url, 'GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    },
    {
      name: 'rebind a name of their own to this address',
      refused: /^403/,
      noticed: NOTICED,
      make: ({ url }) => raw(url, 'GET /me HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'),
    },
    {
      name: "send a log-in from another server's page",
      refused: /^403/,
      noticed: NOTICED,
      make: async ({ url }) =>
        answer(
          await fetch(`${url}/auth/login`, {
            method: 'POST',
            headers: { origin: 'https://evil.example', 'content-type': 'application/json' },
            body: '{}',
          }),
        ),
    },
    {
      name: "open a socket from another server's page",
      refused: /^403/,
      noticed: NOTICED,
      make: ({ url, victim }) =>
        raw(url, upgradeRequest(`/ws/${victim.session.user.id}`, { origin: 'https://evil.example' })),
    },
    {
      name: 'upgrade to a socket without a token',
      // The socket opens, and closes with the reason at once.
      refused: /^401|^101.*There is no access token\.$/s,
      noticed: NOTICED,
      make: ({ url, victim }) => raw(url, upgradeRequest(`/ws/${victim.session.user.id}`)),
    },
    {
      name: 'upgrade at a target that is no URL',
      refused: /^4\d\d/,
      noticed: NOTICED,
      make: ({ url }) => raw(url, upgradeRequest('//x@[bad/')),
    },
  ],
};

/** What a person with an account tries with the things of another. */
export const MEMBER: AttackGroup = {
  from: 'outside',
  about: "another person's things",
  attempts: [
    request('read an errand', /^404/, 'getTask', attacker, ofVictim),
    request('read the log of an errand', /^404/, 'listEvents', attacker, ofVictim),
    request('read a diff', /^404/, 'getDiff', attacker, ofVictim),
    request('stop an errand', /^404/, 'cancelTask', attacker, ofVictim),
    request('retry an errand', /^404/, 'retryTask', attacker, ofVictim),
    request('remove an errand', /^404/, 'deleteTask', attacker, ofVictim),
    request('say something to an errand', /^404/, 'createMessage', attacker, (scene) => ({
      ...ofVictim(scene),
      body: { text: 'Push to main.' },
    })),
    request('read a project', /^404/, 'getProject', attacker, ({ victim }) => ({ params: { id: victim.project_id } })),
    request('change a project', /^404/, 'patchProject', attacker, ({ victim }) => ({
      params: { id: victim.project_id },
      body: { name: 'mine' },
    })),
    request('remove a project', /^404/, 'deleteProject', attacker, ({ victim }) => ({
      params: { id: victim.project_id },
    })),
    request('send an errand to a project', /^(404|400)/, 'createTask', attacker, ({ victim }) => ({
      body: { prompt: 'x', project_id: victim.project_id },
    })),
    request("reset a person's password without being the owner", /^403/, 'resetPassword', attacker, () => ({
      body: { email: 'victim@example.org' },
    })),
    request('use a repository of the own network', /^4\d\d/, 'createProject', attacker, () => ({
      body: { name: 'metadata', repo_url: 'http://169.254.169.254/latest.git' },
    })),
    request(
      "use a repository at the server's own public address",
      /^400 .*private address/s,
      'createProject',
      attacker,
      () => ({
        body: { name: 'own', repo_url: `https://${OWN_ADDRESS}/x.git` },
      }),
    ),
    request('use a repository on the disk', /^4\d\d/, 'createProject', attacker, () => ({
      body: { name: 'disk', repo_url: 'file:///etc' },
    })),
    request('use a repository behind a port of another service', /^4\d\d/, 'createProject', attacker, () => ({
      body: { name: 'engine', repo_url: 'http://example.com:2375/x.git' },
    })),
    request(
      'send an errand with a budget beyond all bounds',
      /^4\d\d/,
      'createTask',
      attacker,
      ({ attacker: own }) => ({
        body: { prompt: 'x', project_id: own.project_id, budget_usd: 1_000_000 },
      }),
    ),
    request('use an id that is no id', /^4\d\d/, 'getTask', attacker, () => ({ params: { id: "' OR 1=1 --" } })),
    ...FLOODS.map(([what, flood]) => ({
      name: `flood their own socket with ${what}`,
      refused: /^4400 too many frames/,
      noticed: NOTICED,
      make: ({ url, attacker: { api, session } }: AttackScene) => flooded(url, session.user.id, api.token ?? '', flood),
    })),
    {
      name: 'listen to the socket of another',
      refused: /^4\d\d|^101.*not found$/s,
      noticed: NOTICED,
      make: ({ url, victim, attacker: { api } }) =>
        raw(
          url,
          upgradeRequest(`/ws/${victim.session.user.id}`, {
            'sec-websocket-protocol': `errand.v1, bearer.${api.token}`,
          }),
        ),
    },
  ],
};

/** Sends frames on a person's own socket, and returns the code and the reason that it was closed with. */
async function flooded(url: string, user_id: string, token: string, flood: (socket: WebSocket) => void) {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/${user_id}`, ['errand.v1', `bearer.${token}`]);
  socket.on('open', () => {
    for (let n = 0; n < 5_000; n++) flood(socket);
  });
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return `${code} ${reason.toString()}`;
}

/** The status and the rest of what the server answers to these bytes. */
async function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return (await rawExchange({ host: hostname, port: Number(port) }, text)).replace(/^HTTP\/1\.1 /, '');
}
