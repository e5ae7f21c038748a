import test from 'ava';
import { readConfig } from '../../../../coordinator/base/config.ts';
import { decideRunner, readExposures } from '../../../../coordinator/workers/choice/decide-runner.ts';

const KEYS = [{}, { ANTHROPIC_API_KEY: 'sk-x' }, { CLAUDE_API_KEY: 'sk-x' }];
const HOSTS = [{}, { HOST: 'localhost' }, { HOST: '::1' }, { HOST: '0.0.0.0' }, { HOST: '::' }, { HOST: '192.0.2.1' }];
const PROXIES = [{}, { ERRAND_TRUST_PROXY: 'false' }, { ERRAND_TRUST_PROXY: 'true' }];
const DOCKERS = ['ready', 'absent', 'image_missing', 'image_unsupported', 'image_outdated', 'unusable'] as const;

const LOOPBACK = new Set([undefined, 'localhost', '::1']);

/** Every combination of the settings that matter, and whether it is a trial: no key, loopback only, no proxy. */
const SETTINGS = KEYS.flatMap((key) =>
  HOSTS.flatMap((host: { HOST?: string }) =>
    PROXIES.map((proxy: { ERRAND_TRUST_PROXY?: string }) => ({
      env: { ...key, ...host, ...proxy },
      trial: Object.keys(key).length === 0 && LOOPBACK.has(host.HOST) && proxy.ERRAND_TRUST_PROXY !== 'true',
    })),
  ),
);

/** What is chosen if ERRAND_RUNNER is not set. */
const UNASKED = {
  trial: {
    ready: 'docker',
    absent: 'process',
    image_missing: 'refuse',
    image_unsupported: 'refuse',
    image_outdated: 'refuse',
    unusable: 'refuse',
  },
  real: {
    ready: 'docker',
    absent: 'refuse',
    image_missing: 'refuse',
    image_unsupported: 'refuse',
    image_outdated: 'refuse',
    unusable: 'refuse',
  },
} as const;

for (const docker of DOCKERS)
  test(`Docker ${docker}: without a setting, processes are chosen only for a trial on a machine without Docker`, (t) => {
    for (const { env, trial } of SETTINGS) {
      const exposures = readExposures(readConfig(env));
      const chosen = decideRunner({ wanted: undefined, docker, exposures });
      t.is(chosen, UNASKED[trial ? 'trial' : 'real'][docker], JSON.stringify(env));
    }
  });

test('Docker that was asked for by name is never replaced, and never refused', (t) => {
  for (const docker of DOCKERS)
    for (const { env } of SETTINGS)
      t.is(decideRunner({ wanted: 'docker', docker, exposures: readExposures(readConfig(env)) }), 'docker');
});

test('everything that makes a server more than a trial is named', (t) => {
  const env = { ANTHROPIC_API_KEY: 'sk-x', HOST: '0.0.0.0', ERRAND_TRUST_PROXY: 'true' };
  t.deepEqual(readExposures(readConfig(env)), [
    'an API key is set',
    'HOST=0.0.0.0 lets others in',
    'ERRAND_TRUST_PROXY=true means that a proxy lets others in',
  ]);
});
