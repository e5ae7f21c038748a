import { resolve } from 'node:path';
import test from 'ava';
import { ConfigError, readConfig } from '../../../coordinator/base/config.ts';

/** What is said about these settings; undefined: they are taken. */
function faultsOf(env: Record<string, string>): string[] | undefined {
  try {
    readConfig(env);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
}

const USER = 'has a user name or a password in it: leave them out';
const QUERY = 'has a ? or a # in it: leave out what follows the path';
const TILDE = 'begins with ~, which only a shell replaces: write the whole path';
const QUOTES = 'has quotes around it: leave them out';
const ADDRESS = 'is neither an IP address nor a name, such as 0.0.0.0: leave out http://, brackets and the port';
const REFUSED: [Record<string, string>, string][] = [
  [{ ERRAND_PUBLIC_URL: 'https://ann:pw@errand.example.org' }, `ERRAND_PUBLIC_URL ${USER}`],
  [{ ERRAND_PUBLIC_URL: 'https://errand.example.org/?a=1' }, `ERRAND_PUBLIC_URL ${QUERY}`],
  [{ ERRAND_PUBLIC_URL: 'https://errand.example.org/#top' }, `ERRAND_PUBLIC_URL ${QUERY}`],
  [{ ERRAND_DATA: '~/data' }, `ERRAND_DATA ${TILDE}`],
  [{ ERRAND_PRICES: '~/prices.json' }, `ERRAND_PRICES ${TILDE}`],
  [{ ERRAND_BACKUP_TO: '~/backups' }, `ERRAND_BACKUP_TO ${TILDE}`],
  [
    { ERRAND_BACKUP_TO: 'backups' },
    `ERRAND_BACKUP_TO is a relative path, which depends on where a command is started: write the whole path, such as ${resolve('backups')}`,
  ],
  [{ ANTHROPIC_API_KEY: '"sk-ant-1"' }, `ANTHROPIC_API_KEY ${QUOTES}`],
  [{ ANTHROPIC_API_KEY: 'sk-ant-1\u201d' }, `ANTHROPIC_API_KEY ${QUOTES}`],
  [{ ERRAND_GIT_TOKEN: "'ghp_1'" }, `ERRAND_GIT_TOKEN ${QUOTES}`],
  [{ ERRAND_GITHUB_CLIENT_ID: '"Iv1"', ERRAND_GITHUB_CLIENT_SECRET: 's3cret' }, `ERRAND_GITHUB_CLIENT_ID ${QUOTES}`],
  [
    { AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: '"s"', ERRAND_BACKUP_TO: 's3://bucket' },
    `AWS_SECRET_ACCESS_KEY ${QUOTES}`,
  ],
  [
    {
      ERRAND_GITHUB_CLIENT_ID: 'Iv1',
      ERRAND_GITHUB_CLIENT_SECRET: 's3cret',
      ERRAND_GITHUB_APP_ID: '1',
      ERRAND_GITHUB_PRIVATE_KEY: '-----BEGIN PRIVATE KEY-----\\ncut off\\n-----END PRIVATE KEY-----',
    },
    'ERRAND_GITHUB_PRIVATE_KEY is not a private key in PEM, with its BEGIN and END lines',
  ],
  [{ HOST: 'http://0.0.0.0' }, `HOST ${ADDRESS}`],
  [{ HOST: '0.0.0.0:8787' }, `HOST ${ADDRESS}`],
  [{ HOST: '[::]' }, `HOST ${ADDRESS}`],
  [{ ERRAND_CALLBACK_HOST: '*' }, `ERRAND_CALLBACK_HOST ${ADDRESS}`],
  [{ ERRAND_EFFORT: 'huge' }, 'ERRAND_EFFORT is none of low, medium, high, xhigh, max'],
  [{ ERRAND_TIME_LIMIT_MINUTES: '1.5h' }, 'ERRAND_TIME_LIMIT_MINUTES is not a whole number of minutes from 1 to 1440'],
  [{ ERRAND_WORKER_IMAGE: 'my image' }, 'ERRAND_WORKER_IMAGE is not the name of an image'],
  [
    { ERRAND_WORKER_IMAGES: 'rust=errand-rust', ERRAND_RUNNER: 'process' },
    'ERRAND_WORKER_IMAGES needs containers: with ERRAND_RUNNER=process workers have no image',
  ],
  [{ ERRAND_WORKERS: 'two' }, 'ERRAND_WORKERS is not a whole number from 1 to 100'],
];
for (const [env, fault] of REFUSED)
  test(`a setting that would do harm later is refused in words: ${JSON.stringify(env)}`, (t) =>
    t.deepEqual(faultsOf(env), [fault]));

test('each wrong entry of the images is named, and the right ones are taken with their case', (t) => {
  const images = (text: string) => faultsOf({ ERRAND_WORKER_IMAGES: text });
  t.deepEqual(images('rust=errand-rust rust, =a,go=,Go=a,x=--privileged,rust=b,default=c'), [
    "ERRAND_WORKER_IMAGES has 'rust' in it, which is not name=image, such as rust=errand-rust",
    "ERRAND_WORKER_IMAGES has '=a' in it, which is not name=image, such as rust=errand-rust",
    "ERRAND_WORKER_IMAGES has 'go=' in it, which is not name=image, such as rust=errand-rust",
    "ERRAND_WORKER_IMAGES has 'Go=a' in it, which is not the name of an image: up to 32 lower-case letters, digits and . _ -, a letter or digit first",
    "ERRAND_WORKER_IMAGES has 'x=--privileged' in it, which is not the name of an image",
    "ERRAND_WORKER_IMAGES has 'rust=b' in it, which has a name that is there already",
    "ERRAND_WORKER_IMAGES has 'default=c' in it, which has the name of the image in ERRAND_WORKER_IMAGE: choose another one",
  ]);
  const many = Array.from({ length: 21 }, (_, n) => `i${n}=a`).join();
  t.deepEqual(images(many), ['ERRAND_WORKER_IMAGES has more than 20 images']);
  const { worker_images } = readConfig({
    ERRAND_WORKER_IMAGES: 'rust=example.org:5000/errand-rust:V1 , go=go@sha256:0',
  });
  t.deepEqual(
    [...worker_images],
    [
      ['rust', 'example.org:5000/errand-rust:V1'],
      ['go', 'go@sha256:0'],
    ],
  );
  t.is(readConfig({}).worker_images.size, 0);
});

test('blanks around numbers, keys and tokens are no part of them', (t) => {
  const config = readConfig({
    ERRAND_WORKERS: ' 3 ',
    ERRAND_BUDGET_USD: '2.5\r',
    ANTHROPIC_API_KEY: ' sk-ant-1 ',
    ERRAND_GIT_TOKEN: 'ghp_1 ',
    ERRAND_BACKUP_TO: 's3://bucket',
    AWS_ACCESS_KEY_ID: ' AK ',
    AWS_SECRET_ACCESS_KEY: ' s with words ',
  });
  t.like(config, { workers: 3, budget_usd: 2.5, anthropic_api_key: 'sk-ant-1', git_token: 'ghp_1' });
  t.like(config.backup?.to, { access_key_id: 'AK', secret_access_key: 's with words' });
});

test('the quota of an attempt follows a smaller one of its errand', (t) => {
  const { attempt, task } = readConfig({
    ERRAND_EVENTS_MB: '10',
    ERRAND_ATTEMPT_EVENTS_MB: '256',
    ERRAND_EVENTS: '1000',
  }).event_quotas;
  t.deepEqual(attempt, task);
});

test('the server listens on any address or name', (t) => {
  for (const HOST of ['0.0.0.0', '::', '::1', 'fe80::1%eth0', 'localhost', 'box.lan', 'my_machine'])
    t.is(readConfig({ HOST: ` ${HOST} ` }).host, HOST);
});

test('the server answers to its domain and to another public address', (t) => {
  const { hosts } = readConfig({ ERRAND_DOMAIN: 'a.example.org', ERRAND_PUBLIC_URL: 'https://b.example.org:8443' });
  t.deepEqual(hosts, ['b.example.org:8443', 'a.example.org']);
});
