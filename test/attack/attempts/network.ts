import { networkInterfaces } from 'node:os';
import { message, record, serverName } from '../../support/client-hello.ts';
import type { AttackGroup } from '../attempt.ts';
import { TLS_HOST } from '../scene.ts';
import { byCommands } from './by-command.ts';

const UNREACHABLE =
  /unreachable|refused|not resolve|name resolution|Could not resolve|not available|Couldn.t connect|Failed to connect/i;

const hosts = Object.values(networkInterfaces())
  .flat()
  .flatMap((address) => (address && !address.internal && address.family === 'IPv4' ? [address.address] : []));

const direct = (host: string, port: number) => `curl -sS --noproxy '*' --max-time 5 http://${host}:${port}/`;

/** Asks the proxy for a tunnel; prints what it answers. `first`: what goes through it; then prints what comes back. */
const tunnel = (to: string, first?: Buffer) =>
  [
    'python3 -c "import os,socket,urllib.parse',
    "proxy=urllib.parse.urlparse(os.environ['HTTPS_PROXY'])",
    's=socket.create_connection((proxy.hostname,proxy.port))',
    `s.sendall(b'CONNECT ${to} HTTP/1.1\\r\\nHost: ${to}\\r\\n\\r\\n')`,
    'print(s.recv(300))',
    ...(first === undefined
      ? []
      : [`s.sendall(bytes.fromhex('${first.toString('hex')}'))`, 'print(s.recv(300).hex())']),
  ]
    .join('; ')
    .concat('"');

/** What a command tries without the proxy: its container has no network at all. */
export const NETWORK = byCommands('the network, without the proxy', [
  ...hosts.map((host) => [`connect to the machine at ${host}`, direct(host, 22), UNREACHABLE] as const),
  ["connect to the engine's gateway", direct('172.17.0.1', 2375), UNREACHABLE],
  ['connect to the metadata of a cloud', direct('169.254.169.254', 80), UNREACHABLE],
  ['connect to a server of the internet', direct('1.1.1.1', 80), UNREACHABLE],
  ['resolve a name', `getent hosts example.com || echo "could not resolve"`, UNREACHABLE],
  ['send a packet by IPv6', direct('[2606:4700:4700::1111]', 80), UNREACHABLE],
  [
    'open a raw socket',
    `python3 -c "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"`,
    /not permitted/,
  ],
  [
    'open a packet socket',
    `python3 -c "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"`,
    /not permitted/,
  ],
  // The proxy in the container refuses it.
  ['tunnel with a line break in the name', tunnel('example.com\\nX:443'), /HTTP\/1\.1 400/],
]);

/** Addresses that are private however they are written. */
const PRIVATE = [
  '127.0.0.1:443',
  'localhost:443',
  '[::1]:443',
  '[::ffff:127.0.0.1]:443',
  '0.0.0.0:443',
  '2130706433:443',
  '0x7f000001:443',
  '0177.0.0.1:443',
  '127.1:443',
  '10.0.0.1:443',
  '172.17.0.1:443',
  '192.168.0.1:443',
  '169.254.169.254:443',
  '[fe80::1]:443',
  '[fd00::1]:443',
  '100.64.0.1:443',
];

/** What a command tries through the proxy, in a project whose commands may reach every public host. */
export const PROXY = byCommands(
  'the network, through the proxy',
  [
    ...PRIVATE.map((to) => [`tunnel to ${to}`, tunnel(to), /HTTP\/1\.1 4\d\d/] as const),
    ['tunnel to another port', tunnel('example.com:22'), /HTTP\/1\.1 403/],
  ],
  /tunnel refused/,
);

/** What the first message of TLS must not say behind a tunnel to a host that the project lists. */
const HELLOS: readonly (readonly [name: string, ...extensions: Buffer[]])[] = [
  ['another host', serverName('evil.example.com')],
  ['no host'],
  ['an IP address', serverName('93.184.215.14')],
  ['two hosts', serverName(TLS_HOST, 'evil.example.com')],
  ['the host twice', serverName(TLS_HOST), serverName('evil.example.com')],
  ['a longer name', serverName(`${TLS_HOST}.evil.example.com`)],
];
/** The alert `access_denied`, after the tunnel was opened. */
const DENIED = /200 Connection established.*15030300020231/s;

/**
 * What a command tries in a project whose commands may reach one host: many hosts may be at its address. Only root can
 * listen at the port of TLS.
 */
export const TLS: AttackGroup = {
  from: 'a worker',
  about: 'TLS, through the proxy',
  attempts: (process.getuid?.() === 0 ? HELLOS : []).map(([name, ...extensions]) => ({
    name: `begin a TLS connection that names ${name}`,
    make: (scene) => scene.commandWithList(tunnel(`${TLS_HOST}:443`, record(message(...extensions)))),
    refused: DENIED,
    noticed: /tunnel refused/,
  })),
};
