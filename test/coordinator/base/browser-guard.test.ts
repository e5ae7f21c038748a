import test from 'ava';
import { BrowserGuard } from '../../../coordinator/base/browser-guard.ts';
import { readConfig } from '../../../coordinator/base/config.ts';
import { ErrandError } from '../../../protocol/problem.ts';

/** Whether a request with these headers is taken that came in at this address of the machine. */
function takes(
  headers: { host?: string; origin?: string },
  env: Record<string, string> = {},
  at = '127.0.0.1',
): boolean {
  const guard = new BrowserGuard(readConfig(env).hosts);
  try {
    guard.check({ headers, socket: { localAddress: at } } as unknown as Parameters<BrowserGuard['check']>[0]);
    return true;
  } catch (error) {
    if (error instanceof ErrandError && error.code === 'forbidden') return false;
    throw error;
  }
}

test('the server answers to localhost, to loopback and to the address of the connection, on any port', (t) => {
  for (const [host, at] of [
    ['localhost', '127.0.0.1'],
    ['LOCALHOST:8787', '::1'],
    ['errand.localhost:8787', '127.0.0.1'],
    ['127.0.0.1:8787', '127.0.0.1'],
    ['127.1.2.3', '127.0.0.1'],
    // A published port of a container.
    ['127.0.0.1:8787', '172.18.0.2'],
    ['[::1]:8787', '::1'],
    ['[0:0:0:0:0:0:0:1]', '::1'],
    ['192.168.1.5:8787', '192.168.1.5'],
    ['192.168.1.5:8787', '::ffff:192.168.1.5'],
    ['[2001:db8::1]:8787', '2001:db8:0:0:0:0:0:1'],
    ['[fe80::1]', 'fe80::1%eth0'],
  ] as const)
    t.true(takes({ host }, {}, at), `${host} at ${at}`);
  t.true(takes({}), 'HTTP/1.0, which no browser speaks');
});

test('it answers to no other name or address: a page that rebinds its name gets nothing', (t) => {
  for (const host of [
    'evil.example',
    'evil.example:8787',
    'localhost.evil.example',
    'evil.localhost.example',
    'localhost.',
    '.localhost',
    'xlocalhost',
    'notlocalhost',
    '127.0.0.1.nip.io:8787',
    '127.0.0.1.evil.example',
    '127.evil.example',
    '192.168.1.6',
    '0.0.0.0:8787',
    '[::]:8787',
    '[::ffff:10.0.0.1]',
    '0x7f.1',
    '2130706433',
    'evil@localhost',
    'localhost@evil.example',
    'localhost/evil',
    'localhost#evil',
    'localhost evil',
    'localhost:80:80',
    'localhost:x',
    '[localhost]',
    '',
    ' ',
    '-',
    '*',
    'x'.repeat(10_000),
  ])
    t.false(takes({ host }, {}, '192.168.1.5'), host.slice(0, 100));
});

test('the settings name further hosts', (t) => {
  const env = {
    HOST: 'Errand.lan',
    ERRAND_PUBLIC_URL: 'https://errand.example.org/path/',
    ERRAND_HOSTS: 'My.Phone.example, coordinator:8787 [fd00::1]',
  };
  for (const host of [
    'errand.lan:8787',
    'errand.example.org',
    'my.phone.example:1',
    'coordinator:9',
    '[FD00:0::1]:8787',
  ])
    t.true(takes({ host }, env), host);
  for (const host of ['example.org', 'x.errand.example.org', 'phone.example', 'coordinator.evil.example', '[fd00::2]'])
    t.false(takes({ host }, env), host);
});

test('a page may send requests to the server that it came from, and to no other', (t) => {
  for (const [host, origin] of [
    ['localhost:8787', 'http://localhost:8787'],
    ['127.0.0.1:8787', 'http://127.0.0.1:8787'],
    ['[::1]:8787', 'http://[::1]:8787'],
    // Behind a proxy with TLS that keeps the Host.
    ['localhost', 'https://localhost'],
    ['localhost:443', 'https://localhost'],
    ['localhost', 'http://localhost:80'],
  ] as const)
    t.true(takes({ host, origin }), origin);
  for (const origin of [
    'https://evil.example',
    'http://localhost',
    'http://localhost:3000',
    'http://127.0.0.1:8787',
    'http://localhost.evil.example:8787',
    'http://localhost:8787.evil.example',
    'null',
    'file://',
    'chrome-extension://abcdef',
    'javascript:alert(1)',
    'data:text/html,x',
    'localhost:8787',
    '',
  ])
    t.false(takes({ host: 'localhost:8787', origin }), origin);
});

test('behind a proxy that changes the Host, a page may come from the hosts of the settings', (t) => {
  const env = { ERRAND_PUBLIC_URL: 'https://errand.example.org', ERRAND_HOSTS: 'errand.lan:8443,[fd00::1]:81' };
  const host = '127.0.0.1:8787';
  for (const origin of ['https://errand.example.org', 'https://errand.lan:8443', 'http://[fd00::1]:81'])
    t.true(takes({ host, origin }, env), origin);
  for (const origin of ['https://errand.lan', 'https://errand.example.org:8443', 'https://evil.errand.example.org'])
    t.false(takes({ host, origin }, env), origin);
});
