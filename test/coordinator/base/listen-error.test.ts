import { createServer } from 'node:http';
import test from 'ava';
import { ConfigError } from '../../../coordinator/base/config.ts';
import { listenFault } from '../../../coordinator/base/listen-error.ts';

/** What is said of an error that this system call ended with. */
function words(code: string, syscall: string): string {
  const error = Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
  const fault = listenFault(error, { host: '::', port: 8787 }, 'HOST or PORT');
  return fault instanceof ConfigError ? fault.message : 'no fault of the settings';
}

test('a name that does not resolve is told in words, with the settings', async (t) => {
  const server = createServer();
  const error = await new Promise((resolve) => server.once('error', resolve).listen(0, 'errand.invalid'));
  const fault = listenFault(error, { host: 'errand.invalid', port: 0 }, 'HOST or PORT');
  t.true(fault instanceof ConfigError);
  t.is(
    (fault as ConfigError).message,
    'Errand cannot listen on errand.invalid, port 0: no address is known for this name. Change HOST or PORT.',
  );
});

test('each error of the system is told in words: a machine without IPv6, and one that nobody expects', (t) => {
  t.regex(words('EAFNOSUPPORT', 'listen'), /^Errand cannot listen on ::, port 8787: this machine has no such kind/);
  t.regex(words('EAI_AGAIN', 'getaddrinfo'), /: no address is known for this name\. Change HOST or PORT\.$/);
  t.regex(words('EPERM', 'listen'), /: listen EPERM\. Change HOST or PORT\.$/);
});

test('an error that is none of the system stays as it is', (t) => {
  const error = new TypeError('a fault of the program');
  t.is(listenFault(error, { host: '::', port: 1 }, 'HOST'), error);
});
