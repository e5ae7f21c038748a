import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ConfigError } from '../../../coordinator/base/config.ts';
import { readServerConfig } from '../../../coordinator/operations/server-config.ts';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { temporaryFolder } from '../../support/folder.ts';

const KEY = { ANTHROPIC_API_KEY: 'sk-ant-1' };

/** What is said about these settings, in lines. */
function faultsOf(env: Record<string, string>): string[] {
  try {
    readServerConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').slice(1);
  }
}

test('the start names every wrong setting at once, also those that single parts of the server read', async (t) => {
  const data_dir = await temporaryFolder(t);
  const env = {
    ...KEY,
    PORT: 'many',
    ERRAND_WORKER: '2',
    ERRAND_PRICES: join(data_dir, 'no-prices.json'),
    DOCKER_HOST: 'ssh://me@example.org',
    ERRAND_DATA: join(data_dir, 'x'.repeat(100)),
  };
  const { code, stdout, stderr } = await CoordinatorProcess.start(t, data_dir, env).ended;
  t.deepEqual([code, stdout], [1, '']);
  for (const fault of [
    'PORT is not a whole number from 0 to 65535',
    'ERRAND_WORKER is not a setting of Errand',
    `ERRAND_PRICES names a file that does not exist: ${env.ERRAND_PRICES}`,
    "DOCKER_HOST is 'ssh://me@example.org'. Its form must be unix:///path or tcp://host:port.",
  ])
    t.true(stderr.includes(`\n  ${fault}\n`), `${fault}\n\n${stderr}`);
  t.regex(stderr, /^ {2}The data folder's path is \d+ bytes too long: /m);
});

test('a model without a price is named with the other faults, if there is a key that could be spent on it', (t) => {
  const no_price = "  ERRAND_MODEL is 'gpt-4', which is not in the price table: add it with ERRAND_PRICES";
  const workers = '  ERRAND_WORKERS is not a whole number from 1 to 100';
  t.deepEqual(faultsOf({ ...KEY, ERRAND_MODEL: 'gpt-4', ERRAND_WORKERS: 'two' }), [workers, no_price]);
  t.deepEqual(faultsOf({ CLAUDE_API_KEY: 'sk-ant-1', ERRAND_MODEL: 'gpt-4' }), [no_price]);
  t.deepEqual(faultsOf({ ERRAND_MODEL: 'gpt-4' }), []);
});

test('a file that is no price table is named with its faults, and no model is missed in it', async (t) => {
  const ERRAND_PRICES = join(await temporaryFolder(t), 'prices.json');
  writeFileSync(ERRAND_PRICES, '{"gpt-4":{"input":-1}}');
  const [first, ...details] = faultsOf({ ...KEY, ERRAND_MODEL: 'gpt-4', ERRAND_PRICES });
  t.is(first, `  ERRAND_PRICES names a file that is not a price table: ${ERRAND_PRICES}`);
  t.true(details.length > 1);
  for (const line of details) t.regex(line, /^ {4}/, 'it belongs to the line above');
  t.is(faultsOf({ ...KEY, ERRAND_PRICES: '~/prices.json' }).length, 1, 'its form is named once');
});

test('the address of an engine does not matter to processes, for which other programs may have set it', (t) => {
  t.deepEqual(faultsOf({ ERRAND_RUNNER: 'process', DOCKER_HOST: 'ssh://me@example.org' }), []);
});

test('a misspelt name in the file of settings that Compose reads is found, and no other name', async (t) => {
  const ERRAND_ENV_FILE = join(await temporaryFolder(t), '.env');
  t.deepEqual(faultsOf({ ERRAND_ENV_FILE }), [], 'there need not be one');
  const lines = [
    '# ERRAND_NOTHING=1',
    'ERRAND_WORKER=3',
    'export ERRAND_MODELS="a b"',
    'ERRAND_WORKERS=3',
    'BASE_IMAGE=x',
  ];
  writeFileSync(ERRAND_ENV_FILE, lines.join('\n'));
  t.deepEqual(faultsOf({ ERRAND_ENV_FILE }).toSorted(), [
    '  ERRAND_MODELS in the file .env is not a setting of Errand',
    '  ERRAND_WORKER in the file .env is not a setting of Errand',
  ]);
});
