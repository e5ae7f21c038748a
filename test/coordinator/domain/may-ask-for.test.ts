import test from 'ava';
import { mayAskFor } from '../../../coordinator/domain/egress-policy.ts';
import { hostToAskFor } from '../../../coordinator/worker-api/egress/destination.ts';

const policy = { egress: 'registries' as const, egress_hosts: [] };

test('public names may be asked for', (t) => {
  for (const host of ['example.org', 'a.b-c.example.co.uk', 'xn--bcher-kva.example', '0.example.org', 'x.xn--p1ai'])
    t.true(mayAskFor(policy, host), host);
});

test('nobody is asked for addresses, private names or what is no name at all', (t) => {
  const addresses = [
    '127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '2130706433',
    '0x7f.1',
    '1.1.1.1',
    '::1',
    '[::1]',
    '0177.0.0.1',
  ];
  const names = [
    'localhost',
    'a.localhost',
    'printer.local',
    'db',
    'vault.internal',
    'x.home.arpa',
    'nas.lan',
    'x.corp',
    'x.onion',
  ];
  const broken = ['', '.', 'a..b', '-a.org', 'a-.org', '.org', `${'a'.repeat(64)}.org`, `${'a.'.repeat(127)}org`];
  const hostile = ['<b>.org', 'a\u202e.org', 'a\u001b[2J.org', 'bücher.example', 'a b.org', 'EXAMPLE.org', 'a.org\n'];
  for (const host of [...addresses, ...names, ...broken, ...hostile]) t.false(mayAskFor(policy, host), host);
});

test('nobody is asked where the policy is none or open', (t) => {
  for (const egress of ['none', 'open'] as const) t.false(mayAskFor({ ...policy, egress }, 'example.org'));
});

test('nobody is asked for another port, an allowed host, or one that the owner listed as private', (t) => {
  t.is(hostToAskFor('Example.org.:443', policy, []), 'example.org');
  t.is(hostToAskFor('example.org:22', policy, []), null);
  t.is(hostToAskFor('registry.npmjs.org:443', policy, []), null);
  t.is(hostToAskFor('example.org:443', policy, ['example.org:443']), null);
});
