import type { Random } from '../support/random.ts';
import { BODIES, HEADERS, METHODS, REQUEST_TARGETS, VERSIONS } from './hostile-bytes.ts';
import type { Target } from './targets.ts';

/**
 * What a client does with one connection: it writes the chunks, as Latin-1, one after the other, and then ends. `wait`:
 * it waits until the server closes the connection or is silent; `half_close`: it closes its own side first; `reset`: it
 * resets the connection at once.
 */
export type HostileConnection = { chunks: string[]; leave: 'wait' | 'half_close' | 'reset' };

/** Each entry of the lists alone, in a request that is otherwise valid. */
export function knownConnections({ paths: [path = '/'], sockets: [socket = '/'] = [] }: Target): HostileConnection[] {
  const requests = [
    ...REQUEST_TARGETS.flatMap((to) => [head('GET', to), head('GET', to, UPGRADE), head('CONNECT', to)]),
    ...HEADERS.flatMap((header) => [head('POST', path, [header]), head('GET', socket, [...UPGRADE, header])]),
    ...METHODS.map((method) => head(method, path)),
    ...VERSIONS.map((version) => head('GET', path).replace('HTTP/1.1', version)),
    ...BODIES.flatMap((body) => [
      body,
      head('POST', path, ['Transfer-Encoding: chunked']) + body,
      head('POST', path, ['Content-Type: application/json', `Content-Length: ${body.length}`]) + body,
    ]),
  ];
  return requests.map((bytes) => ({ chunks: [bytes], leave: 'wait' }));
}

/** A random connection; the same seed gives the same one. */
export function hostileConnection(random: Random, target: Target): HostileConnection {
  const requests = Array.from({ length: random.pick([1, 1, 1, 2, 5]) }, () => request(random, target));
  let bytes = requests.join('');
  for (let mutations = random.pick([0, 0, 1, 3]); mutations > 0; mutations--) bytes = mutate(random, bytes);
  return {
    chunks: cut(random, bytes, random.pick([1, 1, 2, 5])),
    leave: random.pick(['wait', 'wait', 'half_close', 'reset']),
  };
}

function head(method: string, path: string, headers: string[] = []): string {
  return [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');
}

function request(random: Random, target: Target): string {
  const { sockets = [], tunnels = [], paths } = target;
  const kind = random.pick(['plain', 'plain', 'upgrade', 'connect'] as const);
  const served = { plain: paths, upgrade: sockets, connect: tunnels }[kind];
  const path = random.pick(served.length > 0 && random.next() < 0.8 ? served : REQUEST_TARGETS);
  const method = {
    plain: random.pick(['GET', 'POST', 'POST', random.pick(METHODS)]),
    upgrade: 'GET',
    connect: 'CONNECT',
  };
  const headers = kind === 'upgrade' ? [...UPGRADE] : [];
  if (random.next() < 0.8) headers.push(...target.headers);
  for (let more = random.pick([0, 0, 1, 3]); more > 0; more--) headers.push(random.pick(HEADERS));
  const body = random.pick(BODIES);
  const framing = random.pick(['none', 'length', 'chunked', 'raw'] as const);
  if (framing === 'length') headers.push('Content-Type: application/json', `Content-Length: ${body.length}`);
  if (framing === 'chunked') headers.push('Transfer-Encoding: chunked');
  const bytes = head(method[kind], path, headers) + (framing === 'none' ? '' : body);
  if (random.next() < 0.05) return bytes.replace('HTTP/1.1', random.pick(VERSIONS));
  return random.next() < 0.05 ? bytes.replaceAll('\r\n', random.pick(['\n', '\r', '\r\n\t'])) : bytes;
}

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
];

/** Removes, repeats, overwrites or inserts a few bytes somewhere. */
function mutate(random: Random, bytes: string): string {
  const at = random.whole(0, bytes.length);
  const [before, after] = [bytes.slice(0, at), bytes.slice(at)];
  const length = random.pick([1, 1, 4, 64]);
  const noise = () => String.fromCharCode(...Array.from({ length }, () => random.whole(0, 255)));
  switch (random.whole(0, 3)) {
    case 0:
      return before + after.slice(length);
    case 1:
      return before + after.slice(0, length).repeat(random.whole(2, 20)) + after;
    case 2:
      return before + noise() + after.slice(length);
    default:
      return before + noise() + after;
  }
}

function cut(random: Random, bytes: string, pieces: number): string[] {
  const cuts = Array.from({ length: pieces - 1 }, () => random.whole(0, bytes.length)).sort((a, b) => a - b);
  return [0, ...cuts].map((from, i) => bytes.slice(from, cuts[i]));
}
