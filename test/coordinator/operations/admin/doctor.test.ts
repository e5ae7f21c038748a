import { once } from 'node:events';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { lockDataFolder } from '../../../../coordinator/sqlite/data-lock.ts';
import { WAL_BYTES } from '../../../../coordinator/sqlite/wal-room.ts';
import { readConfig } from '../../../../coordinator/base/config.ts';
import { checkMemory } from '../../../../coordinator/operations/admin/checks/memory.ts';
import { checkModel } from '../../../../coordinator/operations/admin/checks/model.ts';
import { checkMachine, checkPublicAddress } from '../../../../coordinator/operations/admin/checks/reach.ts';
import { checkServer, reachFinding } from '../../../../coordinator/operations/admin/checks/server.ts';
import { CommandLine } from '../../../support/command-line.ts';
import { startConnectProxy } from '../../../support/connect-proxy.ts';
import { CoordinatorProcess } from '../../../support/coordinator-process.ts';
import { startFakeEngine } from '../../../support/fake-engine.ts';
import { freePort } from '../../../support/free-port.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { startApi as startServer } from '../../../support/start-api.ts';

const Finding = z.object({ check: z.string(), ok: z.boolean(), detail: z.string() });

/** An API that answers each request with this status, and a clock that is so far ahead. */
async function startApi(t: ExecutionContext, status: number, ahead_ms = 0): Promise<string> {
  const server = createServer((request, response) => {
    const taken = request.headers['x-api-key'] === 'sk-right' ? 200 : status;
    response.writeHead(taken, { date: new Date(Date.now() + ahead_ms).toUTCString() }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Runs the doctor by these settings, with all others as they should be: what it found by the name of the check. */
async function examine(t: ExecutionContext, env: Record<string, string> = {}) {
  const { docker_host } = await startFakeEngine(t, { has_image: true, labels: { 'errand.contract': '1' } });
  const settings = {
    DOCKER_HOST: docker_host,
    ERRAND_DATA: join(await temporaryFolder(t), 'data'),
    ERRAND_DISK_FREE_MB_MIN: '1',
    PORT: String(await freePort()),
    ANTHROPIC_API_KEY: 'sk-right',
    ANTHROPIC_BASE_URL: await startApi(t, 401),
    ...env,
  };
  const cli = await CommandLine.create(t);
  const { code, stdout, stderr } = await cli.run(['doctor', '--json'], { env: settings });
  t.is(stderr, '');
  const findings = stdout
    .trimEnd()
    .split('\n')
    .map((line) => Finding.parse(JSON.parse(line)));
  t.is(code, findings.every(({ ok }) => ok) ? 0 : 1);
  return Object.fromEntries(findings.map(({ check, ok, detail }) => [check, `${ok ? 'ok' : 'problem'}: ${detail}`]));
}

test('workers that do not fit into the memory of the machine are a problem, with what would fit', (t) => {
  const of = (env: Record<string, string>, mb: number) => checkMemory(readConfig(env), mb * 1024 * 1024);
  t.like(of({}, 3_900)[0], { check: 'memory', ok: true });
  const [small] = of({}, 1_976);
  t.false(small?.ok);
  t.regex(
    small?.detail ?? '',
    /2 workers of 1536 MB .* the 1976 MB .* ERRAND_WORKERS=1 and ERRAND_WORKER_MEMORY_MB=1408/,
  );
  t.true(of({ ERRAND_WORKERS: '1', ERRAND_WORKER_MEMORY_MB: '1408' }, 1_976)[0]?.ok);
  t.regex(of({ ERRAND_WORKERS: '12' }, 16_000)[0]?.detail ?? '', /Set ERRAND_WORKERS=10, or/);
  t.regex(of({ ERRAND_WORKERS: '1' }, 700)[0]?.detail ?? '', /some of them\. Take a larger machine\.$/);
  t.deepEqual(of({ DOCKER_HOST: 'tcp://10.0.0.2:2375' }, 1_976), [], 'the workers are on another machine');
  t.deepEqual(of({ ERRAND_RUNNER: 'process' }, 1_976), [], 'they have no limit');
});

test('doctor finds no problem on a machine that is set up well', async (t) => {
  const found = await examine(t);
  t.deepEqual(Object.keys(found), [
    'settings',
    'docker',
    'image',
    'memory',
    'model',
    'clock',
    'proxy',
    'git',
    'data',
    'disk',
    'reserve',
    'backup',
    'server',
    'network',
    'tls',
  ]);
  t.is(found['docker'], 'ok: Docker 99.1');
  t.is(found['image'], 'ok: errand-agent, worker contract 1');
  t.regex(found['model'] ?? '', /^ok: http:\S+ takes the API key$/);
  t.is(found['clock'], 'ok: as that of the API');
  t.regex(found['data'] ?? '', /^ok: .* is made at the first start$/);
  t.regex(found['disk'] ?? '', /^ok: \d+ MB free$/);
  t.regex(found['backup'] ?? '', /^ok: none are made: set ERRAND_BACKUP_TO/);
  t.regex(found['server'] ?? '', /^ok: not running: nothing listens at http:\/\/127\.0\.0\.1:\d+$/);
  t.regex(found['network'] ?? '', /^ok: reached from this machine alone/);
  t.is(found['proxy'], 'ok: none: neither HTTPS_PROXY nor HTTP_PROXY is set');
  t.regex(found['git'] ?? '', /^ok: git version /);
  t.regex(found['tls'] ?? '', /^ok: not checked: neither ERRAND_DOMAIN nor ERRAND_PUBLIC_URL/);
});

test('doctor reports a missing Docker, a missing image, and an image with another contract version', async (t) => {
  const unreachable = await examine(t, { DOCKER_HOST: 'unix:///nonexistent/docker.sock' });
  t.regex(unreachable['docker'] ?? '', /^problem: Docker does not answer.* Install or start it/);
  const { docker_host: no_image } = await startFakeEngine(t);
  const missing = await examine(t, { DOCKER_HOST: no_image });
  t.is(missing['docker'], 'ok: Docker 99.1');
  t.is(missing['image'], "problem: The workers' image errand-agent is missing. Build it: npm run image");
  const { docker_host: newer } = await startFakeEngine(t, { has_image: true, labels: { 'errand.contract': '9' } });
  t.regex((await examine(t, { DOCKER_HOST: newer }))['image'] ?? '', /^problem: .*version 9.*upgrade the server\.$/);
  t.regex((await examine(t, { ERRAND_RUNNER: 'process' }))['docker'] ?? '', /^ok: not used: ERRAND_RUNNER=process/);
});

test('the blanks and line breaks around an API key do not belong to it', async (t) => {
  t.regex((await examine(t, { ANTHROPIC_API_KEY: ' sk-right\n' }))['model'] ?? '', /takes the API key$/);
});

test('doctor reports a refused API key, an unreachable API, and a wrong clock', async (t) => {
  const refused = await examine(t, { ANTHROPIC_API_KEY: 'sk-wrong' });
  t.regex(refused['model'] ?? '', /^problem: \S+ refuses the API key \(401\)\. Correct ANTHROPIC_API_KEY\.$/);
  const unreachable = await examine(t, { ANTHROPIC_BASE_URL: `http://127.0.0.1:${await freePort()}` });
  t.regex(unreachable['model'] ?? '', /^problem: http:\/\/127\.0\.0\.1:\d+ cannot be reached: nothing listens there/);
  t.regex(unreachable['clock'] ?? '', /^ok: not compared/);
  t.regex((await examine(t, { ANTHROPIC_API_KEY: '' }))['model'] ?? '', /^ok: no ANTHROPIC_API_KEY: the demo model/);
  const wrong = await examine(t, { ANTHROPIC_BASE_URL: await startApi(t, 401, 7_260_000) });
  t.regex(wrong['clock'] ?? '', /^problem: 2 h \d min behind that of the API\. .*timedatectl/);
});

test('doctor gives the API five seconds', async (t) => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close().closeAllConnections());
  const { port } = silent.address() as AddressInfo;
  const found = await examine(t, { ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}` });
  t.regex(found['model'] ?? '', /^problem: \S+ cannot be reached: no answer within 5 seconds/);
  t.regex(found['clock'] ?? '', /^ok: not compared/);
});

const found = ({ ok, detail }: { ok: boolean; detail: string } = { ok: false, detail: 'nothing' }) =>
  `${ok ? 'ok' : 'problem'}: ${detail}`;

// Serial: beside the commands that the others start, the answer may come after the five seconds that it has.
test.serial(
  'doctor asks the API through the proxy, as the server does, and reports a proxy that is not there',
  async (t) => {
    const { port } = new URL(await startApi(t, 401));
    const proxy = await startConnectProxy(t, Number(port));
    const ANTHROPIC_BASE_URL = `http://claude.invalid:${port}`;
    const config = readConfig({ ANTHROPIC_API_KEY: 'sk-right', ANTHROPIC_BASE_URL, HTTP_PROXY: proxy.url });
    const [model, clock] = await checkModel(config);
    t.is(found(model), `ok: ${ANTHROPIC_BASE_URL} takes the API key`);
    t.is(found(clock), 'ok: as that of the API');
    t.deepEqual(proxy.asked, [new URL(ANTHROPIC_BASE_URL).host]);
    t.is(
      found((await checkMachine(config))[0]),
      `ok: HTTP_PROXY is ${new URL(proxy.url).host}, which takes connections`,
    );

    const gone = `127.0.0.1:${await freePort()}`;
    const [none] = await checkMachine(readConfig({ HTTPS_PROXY: `http://ada:sesame@${gone}`, HTTP_PROXY: proxy.url }));
    t.is(
      found(none),
      `problem: HTTPS_PROXY is ${gone}, which does not answer: nothing listens there. Start that proxy, or correct the setting.`,
    );
  },
);

test('doctor says what a running server lacks to start errands', async (t) => {
  const server = await startServer(t);
  const { port: PORT } = new URL(server.url);
  const lock = lockDataFolder(server.data_dir);
  t.teardown(() => lock?.release());
  const check = async () => found((await checkServer(readConfig({ PORT, ERRAND_DATA: server.data_dir })))[0]);
  t.is(await check(), `ok: runs at ${server.url}, and is ready`);
  server.readiness.ready = false;
  server.readiness.checks['disk'] = { ok: false, detail: 'has 1 MB free' };
  t.is(await check(), `problem: runs at ${server.url}, and is not ready: disk has 1 MB free`);
});

test('doctor checks the public address, also for WebSockets', async (t) => {
  const check = async (public_url: string) => found((await checkPublicAddress({ public_url }))[0]);
  const { url } = await startServer(t);
  t.is(await check(url), `ok: ${url} answers, and passes WebSockets on. Without https:// phones install no app`);
  const front = createServer((_request, response) => response.end('{"ok":true}')).listen(0, '127.0.0.1');
  await once(front, 'listening');
  t.teardown(() => front.close());
  const { port } = front.address() as AddressInfo;
  t.regex(await check(`http://127.0.0.1:${port}`), /^problem: The proxy at \S+ passes no WebSockets on /);
  t.regex(await check(await startApi(t, 404)), /^problem: \S+ answers with 404, and it is not Errand\. Point /);
  const nobody = `http://127.0.0.1:${await freePort()}`;
  t.regex(await check(nobody), /^problem: \S+ is not reached from this machine: nothing listens there\. Point /);
});

test('doctor never prints the API key', async (t) => {
  const cli = await CommandLine.create(t);
  const ERRAND_DATA = await temporaryFolder(t);
  const api = await startApi(t, 401);
  for (const ANTHROPIC_API_KEY of ['sk-secret', 'sk-secret\nmore', 'sk-secret more', 'sk-secret\u2026'])
    for (const ANTHROPIC_BASE_URL of [api, `http://127.0.0.1:${await freePort()}`]) {
      const env = { ERRAND_DATA, ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL };
      const { code, stdout, stderr } = await cli.run(['doctor'], { env });
      t.is(code, 1);
      t.regex(stdout, /^problem  (settings|model) /m);
      t.false((stdout + stderr).includes('secret'), JSON.stringify(ANTHROPIC_API_KEY));
    }
});

test('doctor reports a data folder that a server uses, and one without a server at the address', async (t) => {
  const ERRAND_DATA = await temporaryFolder(t);
  t.is((await examine(t, { ERRAND_DATA }))['reserve'], 'ok: is made while Errand runs');
  t.regex((await examine(t, { ERRAND_DATA }))['data'] ?? '', /^ok: \S+ can be written$/);
  t.false(existsSync(join(ERRAND_DATA, 'errand.lock')), 'the doctor makes no lock file');
  const lock = lockDataFolder(ERRAND_DATA);
  t.teardown(() => lock?.release());
  const found = await examine(t, { ERRAND_DATA });
  t.regex(found['data'] ?? '', /^ok: \S+ can be written, and an Errand is running on it$/);
  t.regex(found['reserve'] ?? '', /^problem: there is none.* Free 65 MB, and it is made\.$/);
  writeFileSync(join(ERRAND_DATA, 'errand.db-wal'), Buffer.alloc(WAL_BYTES, 1));
  t.is((await examine(t, { ERRAND_DATA }))['reserve'], 'ok: 32 MB for cancels and log-ins on a full disk');
  t.regex(
    found['server'] ?? '',
    /^problem: Nothing listens at http:\S+, but an Errand is running on .* same settings\.$/,
  );
});

test('doctor reports a full disk and an unusable data folder', async (t) => {
  const full = await examine(t, { ERRAND_DISK_FREE_MB_MIN: '1048576' });
  t.regex(full['disk'] ?? '', /^problem: \d+ MB free, and errands only start with 1048576 .*Make room/);
  const long = await examine(t, { ERRAND_DATA: `/tmp/${'x'.repeat(100)}` });
  t.regex(long['settings'] ?? '', /^problem: .*bytes too long/s);
});

test('doctor says of a data folder what the start would say, and nothing of its disk', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  symlinkSync(join(folder, 'nowhere', 'else'), join(folder, 'link'));
  const places = ['/proc/errand', file, join(file, 'data'), join(folder, 'link'), join(folder, 'link', 'data')];
  for (const ERRAND_DATA of places) {
    const said = await examine(t, { ERRAND_DATA });
    const { stderr } = await CoordinatorProcess.start(t, ERRAND_DATA, { ERRAND_RUNNER: 'process' }).ended;
    const [first = '', advice] = stderr.trimEnd().split('\n');
    t.true(first.startsWith(`Errand cannot use its data folder ${ERRAND_DATA}: `), stderr);
    const [found = '', ...rest] = (said['data'] ?? '').split('\n');
    t.true(found.startsWith(`problem: Errand cannot use its data folder ${ERRAND_DATA}: `), found);
    t.deepEqual(rest, [advice]);
    t.deepEqual([said['disk'], said['reserve']], [undefined, undefined]);
  }
});

test('doctor tells the Errand of its data folder on the port from another one, and from another program', async (t) => {
  const ERRAND_DATA = await temporaryFolder(t);
  const coordinator = CoordinatorProcess.start(t, ERRAND_DATA, { ERRAND_RUNNER: 'process' });
  const url = await coordinator.url();
  const { port: PORT } = new URL(url);
  t.is((await examine(t, { PORT, ERRAND_DATA }))['server'], `ok: runs at ${url}, and is ready`);
  t.regex(
    (await examine(t, { PORT }))['server'] ?? '',
    /^problem: Another Errand has http:\S+: none is running on \S+data/,
  );
  const { port } = new URL(await startApi(t, 200));
  t.regex((await examine(t, { PORT: port }))['server'] ?? '', /^problem: Another program has .*set PORT to another/);
});

const reach = (env: Record<string, string>, in_container = false) => found(reachFinding(readConfig(env), in_container));

test('doctor reports a port that others reach without TLS, except in a container', (t) => {
  t.regex(reach({ HOST: '0.0.0.0' }), /^problem: HOST=0\.0\.0\.0 lets others in by plain HTTP/);
  t.regex(reach({ HOST: '0.0.0.0' }, true), /^ok: /);
  t.regex(reach({ ERRAND_TRUST_PROXY: 'true' }), /^ok: .* by a proxy/);
});

test('doctor reports a proxy with TLS that the server does not trust', (t) => {
  const ERRAND_PUBLIC_URL = 'https://errand.example.org';
  for (const [env, in_container] of [
    [{ ERRAND_PUBLIC_URL }, false],
    [{ ERRAND_PUBLIC_URL, HOST: '0.0.0.0' }, true],
    [{ ERRAND_DOMAIN: 'errand.example.org', ERRAND_TRUST_PROXY: 'false' }, true],
  ] as const) {
    t.regex(reach(env, in_container), /^problem: A proxy serves https:.* set ERRAND_TRUST_PROXY=true/);
    t.regex(reach({ ...env, ERRAND_TRUST_PROXY: 'true' }, in_container), /^ok: /);
  }
  t.regex(reach({ ERRAND_DOMAIN: 'errand.example.org', HOST: '0.0.0.0' }, true), /^ok: /);
  t.regex(reach({ ERRAND_PUBLIC_URL: 'http://192.168.1.5:8787' }), /^ok: /);
});

test('doctor reports wrong settings, and checks nothing else then', async (t) => {
  t.deepEqual(await examine(t, { ERRAND_WORKERS: 'many' }), {
    settings: 'problem: These settings are wrong:\n  ERRAND_WORKERS is not a whole number from 1 to 100',
  });
});
