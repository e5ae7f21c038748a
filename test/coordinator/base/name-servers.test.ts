import { lookup } from 'node:dns/promises';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { addressGuard } from '../../../coordinator/base/address-guard.ts';
import { askNameServers, findInHosts, namesToAsk, type NameSources } from '../../../coordinator/base/name-servers.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { nameServer } from '../../support/name-server.ts';
import { until } from '../../support/until.ts';

type Files = { server: string; hosts?: string; resolv?: string };

async function sources(t: ExecutionContext, { server, hosts = '', resolv = '' }: Files): Promise<NameSources> {
  const folder = await temporaryFolder(t);
  const [hosts_path, resolv_path] = [join(folder, 'hosts'), join(folder, 'resolv.conf')];
  await Promise.all([writeFile(hosts_path, hosts), writeFile(resolv_path, resolv)]);
  return { hosts_path, resolv_path, servers: [server] };
}

const never = () => new AbortController().signal;

test('names that are never answered keep no other name waiting, and are dropped when they are given up', async (t) => {
  const { address: server, asked } = await nameServer(t, {
    known: { 'quick.example': '8.8.8.8' },
    silent: (name) => name.startsWith('slow'),
  });
  const from = await sources(t, { server });
  const given_up = new AbortController();
  const slow = Array.from({ length: 64 }, (_, n) => askNameServers(`slow${n}.example`, given_up.signal, from));
  const ended = Promise.allSettled(slow);
  await until('all are asked for', () => new Set(asked).size === 64);
  // The system's look-ups use the threads that these would hold.
  t.is((await lookup('localhost', { family: 4 })).address, '127.0.0.1');
  t.deepEqual(await askNameServers('quick.example', never(), from), [{ address: '8.8.8.8', family: 4 }]);
  given_up.abort();
  for (const one of await ended) t.is(one.status === 'rejected' && one.reason.code, 'ECANCELLED');
});

test('the guard finds a name of /etc/hosts, and asks the system for what the owner lists', async (t) => {
  const fault = await t.throwsAsync(addressGuard(['localhost'])('localhost.', 80), { code: 'forbidden' });
  t.regex(fault.message, /private address/);
  const own = await addressGuard(['localhost'])('localhost', 80);
  t.true(own.some(({ address }) => address === '127.0.0.1'));
});

test('/etc/hosts comes before the name servers, and counts alone', async (t) => {
  const { address: server, asked } = await nameServer(t, { known: { 'forge.house': '8.8.8.8' } });
  const from = await sources(t, { server, hosts: '10.0.0.7\tother forge.house # the forge\nfd00::7 Forge.House\n' });
  const own = [
    { address: '10.0.0.7', family: 4 },
    { address: 'fd00::7', family: 6 },
  ];
  t.deepEqual(await askNameServers('forge.house', never(), from), own);
  t.deepEqual(await askNameServers('forge.house.', never(), from), own);
  t.deepEqual(asked, []);
});

test('an address is its own answer, and a name that nobody knows is not found', async (t) => {
  const { address: server } = await nameServer(t, {});
  const from = await sources(t, { server });
  t.deepEqual(await askNameServers('::1', never(), from), [{ address: '::1', family: 6 }]);
  for (const name of ['nobody.example', 'x'.repeat(64)])
    await t.throwsAsync(askNameServers(name, never(), from), { code: 'ENOTFOUND' });
});

test('a name of the home network is found in its domain', async (t) => {
  const { address: server, asked } = await nameServer(t, { known: { 'forge.home.arpa': '10.0.0.7' } });
  const from = await sources(t, { server, resolv: 'search example.test home.arpa\n' });
  t.deepEqual(await askNameServers('forge', never(), from), [{ address: '10.0.0.7', family: 4 }]);
  t.deepEqual(new Set(asked), new Set(['forge.example.test', 'forge.home.arpa']));
});

const ORDERS: [string, string, string, string[]][] = [
  ['a full name first as it is', 'a.b', 'search x', ['a.b', 'a.b.x']],
  ['a short name first in the domains', 'a', 'search x y.', ['a.x', 'a.y', 'a']],
  ['no other name for one with a dot at its end', 'a.b.', 'search x', ['a.b']],
  [
    'a name with fewer dots than ndots first in the domains',
    'a.b',
    'search x\noptions timeout:1 ndots:2',
    ['a.b.x', 'a.b'],
  ],
  ['a short name first as it is, with ndots:0 as in a container', 'a', 'search x\noptions ndots:0', ['a', 'a.x']],
  ['the last of two lists', 'a', 'domain x\n# search z\nsearch y', ['a.y', 'a']],
  ['six domains at most', 'a', 'search 1 2 3 4 5 6 7', ['a.1', 'a.2', 'a.3', 'a.4', 'a.5', 'a.6', 'a']],
  ['a name without domains', 'a', 'nameserver 10.0.0.1', ['a']],
];
for (const [what, name, resolv, names] of ORDERS)
  test(`asks for ${what}`, (t) => t.deepEqual(namesToAsk(name, resolv), names));

test('a line of /etc/hosts gives its address to each of its whole names, but not in comments', (t) => {
  const hosts = '# 1.1.1.1 a\n2.2.2.2 a.b b # c\nnonsense b\n  3.3.3.3  B\n4.4.4.4 xb bx\n5.5.5.5 d';
  const of = (name: string) => findInHosts(hosts, name).map(({ address }) => address);
  t.deepEqual(
    [of('a'), of('a.b'), of('b'), of('c'), of('d')],
    [[], ['2.2.2.2'], ['2.2.2.2', '3.3.3.3'], [], ['5.5.5.5']],
  );
  t.deepEqual([of('.*'), of('2.2.2.2')], [[], []]);
});
