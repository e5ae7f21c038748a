import test from 'ava';
import { addressGuard } from '../../../coordinator/base/address-guard.ts';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { addressesForDevices, addressesOfInterfaces, OwnAddresses } from '../../../coordinator/base/own-addresses.ts';

const logger = createLogger('silent');
const PUBLIC = '93.184.215.14';

test('what the names of this machine resolve to is private, though no interface has it', async (t) => {
  const asked: string[] = [];
  const resolve = async (name: string) => {
    asked.push(name);
    if (name === 'gone.example') throw new Error('ENOTFOUND');
    return [{ address: name.includes(':') ? name : PUBLIC, family: 4 }];
  };
  const hosts = ['errand.example:8787', 'gone.example', '[2606:4700::1]:8787', 'not a name'];
  const own = new OwnAddresses({ hosts, logger, resolve });
  const guard = addressGuard([], async () => [{ address: PUBLIC, family: 4 }], { ownAddresses: own.all });
  t.is((await guard('caddy.example', 443)).length, 1);
  await own.start();
  t.teardown(() => own.stop());
  t.deepEqual(asked, ['errand.example', 'gone.example', '2606:4700::1']);
  t.deepEqual(own.all(), [...addressesOfInterfaces(), PUBLIC, '2606:4700::1']);
  await t.throwsAsync(guard('caddy.example', 443), { code: 'forbidden', message: /private address/ });
});

test('a name that is not found for a while keeps its addresses', async (t) => {
  let lookups = 0;
  const resolve = async () => {
    if (lookups++ > 0) throw new Error('ETIMEOUT');
    return [{ address: PUBLIC, family: 4 }];
  };
  const own = new OwnAddresses({ hosts: ['errand.example'], logger, resolve });
  for (let n = 0; n < 2; n++) await own.start();
  await own.stop();
  t.is(lookups, 2);
  t.true(own.all().includes(PUBLIC));
});

test('the addresses for other devices are those of real networks, IPv4 first, and none in a container', (t) => {
  const of = (address: string, internal = false) => [
    { address, family: address.includes(':') ? ('IPv6' as const) : ('IPv4' as const), internal },
  ];
  const machine = {
    lo: of('127.0.0.1', true),
    eth0: [...of('fd00::2'), ...of('192.168.1.5'), ...of('fe80::1')],
    wlan0: of('169.254.7.7'),
    tailscale0: of('100.101.102.103'),
  };
  const reached = ['192.168.1.5', '100.101.102.103', 'fd00::2'];
  const addresses = (...given: Parameters<typeof addressesForDevices>) =>
    addressesForDevices(...given).map(({ address }) => address);
  t.deepEqual(addresses(machine, false), reached);
  t.deepEqual(addresses(machine, true), [], 'what it has itself is not what it publishes');
  const with_bridge = { ...machine, docker0: of('172.17.0.1'), 'br-0a1b': of('172.18.0.1') };
  t.deepEqual(addresses(with_bridge, false), reached);
});
