import test from 'ava';
import { isLocalAddress } from '../../../coordinator/client/local-address.ts';

test('an address of the machine itself is told from one that others reach', (t) => {
  for (const host of ['localhost', '127.0.0.1:8787', '127.1', '[::1]:8787'])
    t.true(isLocalAddress(`http://${host}/#a`));
  for (const host of ['errand.example.org', '10.0.0.5', 'localhost.example.org', '[fd00::1]', '128.0.0.1'])
    t.false(isLocalAddress(`https://${host}`), host);
});
