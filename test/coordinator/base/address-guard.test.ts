import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import test from 'ava';
import {
  addressGuard,
  isPublicAddress,
  listsHost,
  listsPort,
  pinned,
} from '../../../coordinator/base/address-guard.ts';

const address = (text: string) => ({ address: text, family: text.includes(':') ? 6 : 4 });

test('accepts public addresses', (t) => {
  const all = [
    '8.8.8.8',
    '93.184.215.14',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '2606:4700::6810:84e5',
    '2001:4860:4860::8888',
    '2a00:1450::1',
    '64:ff9b::140.82.121.4',
    '64:ff9b::8c52:7904',
    '0064:FF9B:0:0:0:0:8c52:7904',
    '64:ff9b::800:0',
  ];
  for (const text of all) t.true(isPublicAddress(text), text);
});

test('rejects private, reserved and translated addresses', (t) => {
  const ipv4 = [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.9',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
  ];
  const ipv6 = [
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:a00:1',
    '::8.8.8.8',
    '64:ff9b::',
    '64:ff9b::1',
    '64:ff9b::10.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:0:0:0:0:a9fe:a9fe',
    '64:ff9b::7f00:0',
    '64:ff9b::808:808%lo',
    '64:ff9b::1:808:808',
    '64:ff9b:1::808:808',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:a00:1::1',
    '3fff::1',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fe80::1%lo',
    'fec0::1',
    'ff02::1',
    '2606:4700::1%lo',
  ];
  for (const text of [...ipv4, ...ipv6, '', 'localhost', '1.2.3', '0x7f.1']) t.false(isPublicAddress(text), text);
});

test('allows a name only if all its addresses are public', async (t) => {
  const guard = addressGuard([], async (name) =>
    name === 'good.example' ? [address('8.8.8.8')] : [address('8.8.8.8'), address('10.0.0.1')],
  );
  t.deepEqual(await guard('good.example', 443), [address('8.8.8.8')]);
  await t.throwsAsync(guard('mixed.example', 443), {
    code: 'forbidden',
    message: /ERRAND_PRIVATE_HOSTS=mixed\.example:443/,
  });
});

test('allows a private host that the owner lists, with this port or without any', async (t) => {
  const guard = addressGuard(['forge.house:3000', 'registry.house', '[fd00::1]:80', '10.0.0.9'], async (name) => [
    address(name.includes(':') ? name : '10.0.0.1'),
  ]);
  t.is((await guard('forge.house', 3000)).length, 1);
  t.is((await guard('FORGE.house', 3000)).length, 1);
  await t.throwsAsync(guard('forge.house', 3001), { code: 'forbidden' });
  await t.throwsAsync(guard('sub.forge.house', 3000), { code: 'forbidden' });
  t.is((await guard('registry.house', 1)).length, 1);
  t.is((await guard('[fd00::1]', 80)).length, 1);
  await t.throwsAsync(guard('[fd00::1]', 81), { message: /=\[fd00::1\]:81/ });
  t.is((await guard('10.0.0.9', 80)).length, 1);
});

test('an entry with a port matches that port; an entry without one names no port', (t) => {
  t.true(listsPort(['forge.house:3000'], 'forge.house', 3000));
  t.false(listsPort(['forge.house'], 'forge.house', 3000));
  t.true(listsHost(['forge.house'], 'forge.house', 3000));
});

test('a name that does not resolve, or resolves to no address, is unreachable', async (t) => {
  await t.throwsAsync(addressGuard([], () => Promise.reject(new Error('ENOTFOUND')))('a.example', 443), {
    code: 'upstream_unreachable',
  });
  await t.throwsAsync(addressGuard([], async () => [])('a.example', 443), { code: 'upstream_unreachable' });
});

test('the system resolver handles IP addresses and localhost', async (t) => {
  await t.throwsAsync(addressGuard([])('127.0.0.1', 80), { code: 'forbidden' });
  await t.throwsAsync(addressGuard([])('localhost', 80), { code: 'forbidden' });
  await t.throwsAsync(addressGuard([])('[::1]', 80), { code: 'forbidden' });
});

test('a pinned connection goes to the pinned address, whatever the name', async (t) => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (const autoSelectFamily of [true, false]) {
    const socket = connect({ host: 'nowhere.invalid', port, autoSelectFamily, lookup: pinned([address('127.0.0.1')]) });
    await once(socket, 'connect');
    t.is(socket.remoteAddress, '127.0.0.1');
    socket.destroy();
  }
});

test("this machine's own public addresses are private, unless the owner lists the host", async (t) => {
  const resolve = async (name: string) => [address(name === 'me.example' ? '93.184.215.14' : '8.8.8.8')];
  const ownAddresses = () => ['127.0.0.1', '93.184.215.14', '2606:4700::6810:84e5'];
  const guard = addressGuard([], resolve, { ownAddresses });
  await t.throwsAsync(guard('me.example', 443), { code: 'forbidden', message: /private address/ });
  const translated = addressGuard([], async () => [address('64:ff9b::5db8:d70e')], { ownAddresses });
  await t.throwsAsync(translated('me.example', 443), { code: 'forbidden' });
  t.deepEqual(await guard('other.example', 443), [address('8.8.8.8')]);
  t.is((await addressGuard(['me.example'], resolve, { ownAddresses })('me.example', 443)).length, 1);
});

test('a port that is not allowed is refused before the name is looked up, unless the owner lists it', async (t) => {
  const asked: string[] = [];
  const resolve = async (name: string) => {
    asked.push(name);
    return [address('8.8.8.8')];
  };
  const guard = addressGuard(['forge.house:3000', 'any.house'], resolve, { ports: [80, 443] });
  for (const port of [1, 22, 25, 79, 81, 444, 6379, 8443, 65_535])
    await t.throwsAsync(guard('forge.example', port), { code: 'forbidden', message: /PRIVATE_HOSTS=forge.example:/ });
  await t.throwsAsync(guard('forge.house', 3001), { code: 'forbidden' });
  t.deepEqual(asked, []);
  for (const [host, port] of [
    ['forge.example', 443],
    ['forge.example', 80],
    ['forge.house', 3000],
    ['any.house', 22],
  ] as const)
    t.is((await guard(host, port)).length, 1);
});
