import test from 'ava';
import { Failure, Moved } from '../../../coordinator/client/errors.ts';
import { isRedirect, redirected } from '../../../coordinator/client/redirect.ts';

const FROM = 'http://errand.example:8787/tasks?limit=2';

function follow(location: string | null, from = FROM, { status = 301, method = 'GET', before = 0 } = {}): string {
  return redirected({ from: new URL(from), status, location, method, path: '/tasks', before }).href;
}

test('the statuses of a redirect are those that name another address', (t) => {
  const found = Array.from({ length: 600 }, (_, status) => status).filter(isRedirect);
  t.deepEqual(found, [301, 302, 303, 307, 308]);
});

test('follows a redirect at the same host and port, and from http to https of the same host', (t) => {
  t.is(follow('/errand/tasks?limit=2'), 'http://errand.example:8787/errand/tasks?limit=2');
  t.is(follow('//ERRAND.example:8787/tasks'), 'http://errand.example:8787/tasks');
  t.is(follow('https://errand.example:8787/tasks'), 'https://errand.example:8787/tasks');
  for (const from of ['http://errand.example/tasks', 'http://errand.example:80/tasks'])
    for (const to of ['https://errand.example/tasks', 'https://errand.example:443/tasks'])
      t.is(follow(to, from), 'https://errand.example/tasks');
  t.is(follow('https://[::1]/tasks', 'http://[::1]/tasks'), 'https://[::1]/tasks');
});

test('names the address of a server elsewhere, and does not follow it', (t) => {
  const cases: [location: string, server: string, from?: string][] = [
    ['https://other.example/tasks?limit=2', 'https://other.example'],
    ['https://other.example/errand/tasks', 'https://other.example/errand'],
    ['http://errand.example:8788/tasks', 'http://errand.example:8788'],
    ['https://errand.example:444/tasks', 'https://errand.example:444'],
    ['https://errand.example/tasks', 'https://errand.example'],
    ['https://errand.example.evil.example/tasks', 'https://errand.example.evil.example'],
    ['https://sub.errand.example/tasks', 'https://sub.errand.example'],
    ['https://errand.example.:8787/tasks', 'https://errand.example.:8787'],
    ['//other.example/tasks', 'http://other.example'],
    ['\\\\other.example\\tasks', 'http://other.example'],
    ['https://name:word@errand.example:8787/tasks', 'https://errand.example:8787'],
    ['http://name@errand.example:8787/tasks', 'http://errand.example:8787'],
    ['http://errand.example/tasks', 'http://errand.example', 'https://errand.example/tasks'],
    ['http://127.0.0.1:1/tasks', 'http://127.0.0.1:1', 'http://localhost:1/tasks'],
  ];
  for (const [location, server, from] of cases) {
    const error = t.throws(() => follow(location, from), { instanceOf: Moved }, location);
    t.is(error.server, server, location);
    t.true(error.message.includes(`redirects to ${server}`), error.message);
  }
});

test('says why a redirect leads nowhere', (t) => {
  const cases: [location: string | null, words: RegExp, more?: Parameters<typeof follow>[2]][] = [
    [null, /answered with 301 but names no valid address/],
    ['', /names no valid address/],
    ['http://[', /names no valid address/],
    ['https://login.example/?next=%2Ftasks', /redirects to https:\/\/login\.example\/: a proxy .* log-in of its own/],
    ['javascript:alert(1)', /redirects to javascript:alert\(1\)/],
    ['file:///tasks', /redirects to file:\/tasks|redirects to file:\/\/\/tasks/],
    ['/tasks', /for the answer to a POST/, { status: 303, method: 'POST' }],
    ['/tasks', /after 5 redirects before/, { before: 5 }],
    ['https://errand.example:8787/\u001b[2Jx', /%1B\[2Jx/],
  ];
  for (const [location, words, more] of cases.slice(0, -1)) {
    const error = t.throws(() => follow(location, FROM, more), { instanceOf: Failure }, String(location));
    t.false(error instanceof Moved);
    t.regex(error.message, words);
  }
  t.regex(follow('https://errand.example:8787/\u001b[2Jx'), /%1B\[2Jx/);
});
