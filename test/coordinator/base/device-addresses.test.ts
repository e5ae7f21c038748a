import test from 'ava';
import { addressesForDevices } from '../../../coordinator/base/device-addresses.ts';

test('the addresses for other devices are those of its own networks, IPv4 first, none of the internet, and none in a container', (t) => {
  const of = (address: string, internal = false) => [
    { address, family: address.includes(':') ? ('IPv6' as const) : ('IPv4' as const), internal },
  ];
  const machine = {
    lo: of('127.0.0.1', true),
    eth0: [...of('fd00::2'), ...of('192.168.1.5'), ...of('fe80::1')],
    wlan0: of('169.254.7.7'),
    tailscale0: of('100.101.102.103'),
    ppp0: [...of('93.184.215.14'), ...of('2001:41d0::1')],
  };
  const reached = ['192.168.1.5', '100.101.102.103', 'fd00::2'];
  const addresses = (...given: Parameters<typeof addressesForDevices>) =>
    addressesForDevices(...given).map(({ address }) => address);
  t.deepEqual(addresses(machine, false), reached);
  t.deepEqual(addresses(machine, true), [], 'what it has itself is not what it publishes');
  const with_bridge = { ...machine, docker0: of('172.17.0.1'), 'br-0a1b': of('172.18.0.1') };
  t.deepEqual(addresses(with_bridge, false), reached);
});
