import test from 'ava';
import { addressGuard } from '../../../coordinator/base/address-guard.ts';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { addressesOfInterfaces, OwnAddresses } from '../../../coordinator/base/own-addresses.ts';

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
