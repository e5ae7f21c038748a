import test from 'ava';
import { imageVariables } from '../../../../coordinator/workers/docker/image-variables.ts';

test('the variables of an image are named, but none that the server sets or that is not valid for a project', (t) => {
  const Env = [
    'PATH=/bin',
    'JAVA_HOME=/opt/jdk',
    'OPTIONS=a=b\nc',
    'EMPTY=',
    'HOME=/root',
    'ERRAND_SPOOL=/spool',
    'no.name=1',
    `LONG=${'x'.repeat(10_001)}`,
    'nothing',
  ];
  t.deepEqual(imageVariables({ Config: { Env } }), ['PATH', 'JAVA_HOME', 'OPTIONS', 'EMPTY']);
  const many = Array.from({ length: 200 }, (_, n) => `V${n}=1`);
  t.is(imageVariables({ Config: { Env: many } }).length, 100);
  t.deepEqual(imageVariables({ Config: null }), []);
});
