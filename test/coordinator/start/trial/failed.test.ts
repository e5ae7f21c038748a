import { tmpdir } from 'node:os';
import test from 'ava';
import { whyFailed } from '../../../../coordinator/start/trial/failed.ts';
import { ConfigError } from '../../../../coordinator/base/config.ts';
import { DiskFull } from '../../../../coordinator/sqlite/event-log.ts';
import { ErrandError } from '../../../../protocol/problem.ts';

const full = Object.assign(new Error('write'), { code: 'ENOSPC' });

for (const error of [full, new DiskFull(), new ConfigError('The disk is full', { cause: full })])
  test(`a trial that failed on a full disk says where there is no room: ${error.message}`, (t) => {
    t.true(whyFailed(error)?.startsWith(`${tmpdir()} is full. `));
  });

test('a trial that failed for another reason says that one, and throws what is not for people', (t) => {
  t.is(whyFailed(new ErrandError('unavailable', 'Docker does not answer.')), 'Docker does not answer.');
  t.is(whyFailed(new ConfigError('PORT is taken')), 'PORT is taken');
  t.is(whyFailed(new TypeError('x is not a function')), undefined);
});
