import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { S3Destination } from '../../coordinator/base/backup-destination.ts';
import { openS3, S3_LIMITS } from '../../coordinator/operations/backup/s3/client.ts';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

/*
 * OpenStack Swift with its S3 interface: a real store on loopback that checks the signature of each request and the
 * checksum of each body. Debian has it: swift-proxy, swift-account, swift-container, swift-object and memcached. Its
 * devices are folders on a filesystem with extended attributes (ext4, btrfs, xfs; tmpfs since Linux 6.6).
 */

const SERVERS = ['account', 'container', 'object'] as const;
const missing = [...['proxy', ...SERVERS].map((name) => `/usr/bin/swift-${name}-server`), '/usr/bin/memcached'].filter(
  (path) => !existsSync(path),
);

/** Four Python programs start in a few seconds, but far more on a busy machine. */
const START_MS = 120_000;

let running: Promise<string> | undefined;
let buckets = 0;
const ends: (() => Promise<void>)[] = [];
const printed: string[] = [];

/**
 * Declares a test with its own bucket. The tests of a file share one Swift, which ends after them. Without Swift the
 * test is skipped, but fails in CI.
 */
export function swiftTest(title: string, body: (t: ExecutionContext, bucket: S3Destination) => Promise<void>): void {
  const why_not = process.env.CI === 'true' ? [] : missing;
  const declare = why_not.length === 0 ? test.serial : test.skip;
  declare(why_not.length === 0 ? title : `${title} (skipped: there is no ${why_not.join(', ')})`, async (t) => {
    t.timeout(2 * START_MS);
    t.teardown(() => (t.passed ? undefined : t.log(printed.join('').slice(-3000))));
    const bucket = { ...BUCKET, bucket: `backups-${++buckets}`, endpoint: await (running ??= startSwift()) };
    await until('there is a bucket', () => makeBucket(bucket), START_MS);
    await body(t, bucket);
  });
}

test.after.always('stop Swift', async () => {
  for (const end of ends) await end();
});

const BUCKET = {
  kind: 's3',
  region: 'us-east-1',
  prefix: 'errand/',
  access_key_id: 'test:tester',
  secret_access_key: 'testing',
} as const;

/** Starts Swift on free ports with its own folder. Returns its address. */
async function startSwift(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'errand-swift-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'devices', 'disk'), { recursive: true });
  const memcached = await freePort();
  run('/usr/bin/memcached', ['-l', '127.0.0.1', '-p', String(memcached), '-u', 'nobody', '-m', '16']);
  for (const server of SERVERS) {
    const port = await freePort();
    makeRing(folder, server, port);
    const config = join(folder, `${server}.conf`);
    writeFileSync(config, serverConfig(folder, server, port));
    run(`/usr/bin/swift-${server}-server`, [config, '--verbose']);
  }
  const port = await freePort();
  writeFileSync(join(folder, 'proxy.conf'), proxyConfig(folder, port, memcached));
  run('/usr/bin/swift-proxy-server', [join(folder, 'proxy.conf'), '--verbose']);
  const endpoint = `http://127.0.0.1:${port}`;
  await until(
    'Swift answers',
    () =>
      fetch(endpoint).then(
        ({ status }) => status < 500,
        () => false,
      ),
    START_MS,
  );
  return endpoint;
}

/** Starts a program. It is killed before the folder is removed. */
function run(command: string, args: string[]): void {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/bin:/bin' } });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => printed.push(text));
  const closed = new Promise((resolve) => child.once('close', resolve));
  ends.unshift(async () => {
    child.kill('SIGKILL');
    await closed;
  });
}

/** False: the servers behind the proxy are not ready yet. */
function makeBucket(bucket: S3Destination): Promise<boolean> {
  const options = { abortSignal: AbortSignal.timeout(30_000) };
  return openS3(bucket, S3_LIMITS)
    .createBucket({ Bucket: bucket.bucket }, options)
    .then(
      () => true,
      () => false,
    );
}

/** One device, one replica. */
function makeRing(folder: string, server: string, port: number): void {
  const ring = (...args: string[]) =>
    execFileSync('/usr/bin/swift-ring-builder', [join(folder, `${server}.builder`), ...args], { stdio: 'pipe' });
  ring('create', '6', '1', '0');
  ring('add', `r1z1-127.0.0.1:${port}/disk`, '1');
  ring('rebalance');
}

/** `workers = 0`: no child processes, which would outlive a kill. */
const defaults = (folder: string, port: number): string => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${folder}
`;

const serverConfig = (folder: string, server: string, port: number): string => `${defaults(folder, port)}\
devices = ${folder}/devices
mount_check = false
[pipeline:main]
pipeline = ${server}-server
[app:${server}-server]
use = egg:swift#${server}
`;

/** The middleware of the proxy in the order of a request, each with its settings. */
const middleware = (memcached: number): Record<string, string> => ({
  catch_errors: '',
  gatekeeper: '',
  cache: `memcache_servers = 127.0.0.1:${memcached}\n`,
  listing_formats: '',
  bulk: '',
  s3api: 'location = us-east-1\n',
  tempauth: 'user_test_tester = testing .admin\n',
  copy: '',
  slo: '',
  dlo: '',
});

function proxyConfig(folder: string, port: number, memcached: number): string {
  const filters = Object.entries(middleware(memcached));
  const sections = filters.map(
    ([name, settings]) => `[filter:${name}]\nuse = egg:swift#${name === 'cache' ? 'memcache' : name}\n${settings}`,
  );
  return `${defaults(folder, port)}\
[pipeline:main]
pipeline = ${filters.map(([name]) => name).join(' ')} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
${sections.join('')}`;
}
