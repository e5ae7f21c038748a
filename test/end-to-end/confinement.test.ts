import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { docker, dockerTest, whyNot } from '../support/docker.ts';
import { ended, eventsOf, FORGE, startErrand, type Person, type WholeErrand } from '../support/errand.ts';
import { filesOf } from '../support/files-of.ts';
import { git } from '../support/git-server.ts';
import { until } from '../support/until.ts';
import { BROKEN, byConversation, turnOf } from './scenario.ts';

/* What a worker's container contains and can reach, seen from inside while an errand on a private repository runs. */

const no_docker = await whyNot('errand-agent');

/** Commands that look for credentials. */
const LOOK_AROUND =
  'env; cat /proc/[0-9]*/environ; git config --list --show-origin; git remote --verbose; git ls-remote';

const run = (command: string) => ({ tools: [{ name: 'run_command', input: { command } }] });

/** An errand whose agent looks for credentials, and then waits for a file. */
const CURIOUS = byConversation((request) => {
  switch (turnOf(request)) {
    case 0:
      return run(LOOK_AROUND);
    case 1:
      return run('echo looked > looked.txt; until [ -e /tmp/go-on ]; do sleep 0.1; done');
    default:
      return { text: 'Look around\n\nThere was nothing to be found.' };
  }
});

/** An agent that ends every process that it can. */
const KILLER = byConversation((request) => {
  switch (turnOf(request)) {
    case 0:
      return run('pkill -9 -f node; pkill node; pkill -9 -u $(id -u); echo never');
    case 1:
      return run('kill -TERM 1 $PPID; kill -9 -1; sleep 300 & kill $!; echo here > here.txt');
    default:
      return { text: 'Kill everything\n\nIt could not be done.' };
  }
});

type Scene = { whole: WholeErrand; ann: Person; id: string; inside: (...command: string[]) => Promise<string> };

/** Starts the errand until it waits. `inside` runs a command in its container, as the worker's user. */
async function startScene(t: ExecutionContext): Promise<Scene> {
  const whole = await startErrand(t, { runner: 'docker', model: CURIOUS });
  const ann = await whole.person('ann');
  const phone = ann.phone();
  const project_id = await whole.project(ann, 'private', BROKEN);
  const { id } = await ann.api.call('createTask', { body: { prompt: 'Look around', project_id } });
  await phone.until(({ events }) => events.filter((event) => event.type === 'tool.started').length === 2);
  const [worker = ''] = whole.workers();
  const inside = (...command: string[]) => docker('exec', worker, ...command);
  await until('the command waits', () => inside('cat', '/workspace/repo/looked.txt').catch(() => false));
  t.teardown(() => inside('touch', '/tmp/go-on').catch(() => undefined));
  return { whole, ann, id, inside };
}

/** Lets the errand run to its end. */
async function finish({ ann, id, inside }: Scene) {
  await inside('touch', '/tmp/go-on');
  return ended(ann, id);
}

dockerTest(
  'docker: no credential is in the container, in the events, in the log or in the data folder',
  async (t) => {
    const scene = await startScene(t);
    const { whole, ann, id, inside } = scene;
    const [worker = ''] = whole.workers();
    const secrets = [FORGE.password, Buffer.from(FORGE.password).toString('base64'), whole.model.api_key];
    // After a user name, a password has two other forms in base64.
    secrets.push(Buffer.from(`${FORGE.username}:${FORGE.password}`).toString('base64'));
    const keys = Object.values(JSON.parse(await readFile(join(whole.data_dir, 'keys.json'), 'utf8')) as object).map(
      String,
    );
    const clean = (where: string, text: string, more: string[] = []) => {
      t.true(text.length > 0, where);
      for (const secret of [...secrets, ...more]) t.false(text.includes(secret), `${where} has ${secret}`);
    };

    clean('docker inspect', await docker('inspect', worker), keys);
    clean('the environment', await inside('sh', '-c', 'env; cat /proc/[0-9]*/environ'), [...keys, 'eyJ', 'TOKEN']);
    clean('.git/config', await inside('cat', '/workspace/repo/.git/config'), [...keys, 'eyJ']);
    const holding = (text: string) =>
      inside('sh', '-c', `grep -rlF -e '${text}' /workspace /tmp /run /etc /app 2>/dev/null || true`);
    t.regex(await holding('export const add'), /^\/workspace\/repo\/add\.js$/m, 'what is there is found');
    for (const secret of [...secrets, ...keys]) t.is(await holding(secret), '', `a file has ${secret}`);

    const done = await finish(scene);
    t.is(done.status, 'succeeded', done.detail ?? '');
    const repository = join(whole.forge.root, 'private.git');
    t.is(await git(repository, 'show', `${done.branch}:looked.txt`), 'looked');
    t.true(whole.forge.requests.some(({ url, headers }) => /receive-pack/.test(url) && headers.authorization));

    const events = JSON.stringify(await eventsOf(ann, id));
    t.true(events.includes('HOME=') && events.includes('remote.origin.url='), 'the agent has looked around');
    clean('the events', events, keys);
    clean('the log', whole.lines.join('\n'), keys);
    clean('what the model was sent', JSON.stringify(whole.model.requests.map(({ raw }) => raw.toString())), keys);
    await until('the worker is gone', () => whole.workers().length === 0);
    const files = await filesOf(whole.data_dir);
    t.true((files[join(whole.data_dir, 'errand.db')]?.length ?? 0) > 0);
    for (const [path, text] of Object.entries(files))
      for (const secret of secrets) t.false(text.includes(secret), `${path} has ${secret}`);
  },
  no_docker,
);

dockerTest(
  'docker: a worker has no network, no capability and a read-only root, and cannot reach the host',
  async (t) => {
    const scene = await startScene(t);
    const { whole, inside } = scene;
    const interfaces = (await inside('cat', '/proc/net/dev')).split('\n').slice(2);
    t.deepEqual(
      interfaces.map((line) => line.split(':')[0]?.trim()),
      ['lo'],
    );
    t.is((await inside('cat', '/proc/net/route')).split('\n').length, 1, 'only the heading');

    const status = await inside('cat', '/proc/self/status');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      t.regex(status, new RegExp(`^${set}:\\t0+$`, 'm'));
    t.regex(status, /^NoNewPrivs:\t1$/m);
    t.regex(status, /^Seccomp:\t2$/m);
    t.notRegex(status, /^[UG]id:.*\t0\b/m);

    for (const path of ['/x', '/usr/x', '/etc/x', '/app/x', '/run/errand/coordinator/x'])
      t.regex(await inside('touch', path).catch(wordsOf), /Read-only file system/, path);
    await t.throwsAsync(inside('rm', '/run/errand/coordinator/coordinator.sock'));
    await t.throwsAsync(inside('ls', '/var/run/docker.sock'));

    const port = Number(new URL(whole.errand.url).port);
    const hosts = Object.values(networkInterfaces())
      .flat()
      .flatMap((address) => (address && !address.address.startsWith('fe80') ? [address.address] : []));
    for (const host of new Set([...hosts, '172.17.0.1', '169.254.169.254', '1.1.1.1', 'example.com'])) {
      const code = await inside('node', '-e', CONNECT, host, String(port));
      t.regex(code, /^(ENETUNREACH|EHOSTUNREACH|ECONNREFUSED|EADDRNOTAVAIL|EAI_AGAIN|ENOTFOUND)$/, `${host}: ${code}`);
    }
    t.is((await finish(scene)).status, 'succeeded');
  },
  no_docker,
);

/** Commands that exceed a limit of the container or of the tool. */
const EXCESSES = [
  'bomb() { bomb | bomb & }; bomb; sleep 600',
  "node -e 'const eaten = []; for (;;) eaten.push(Buffer.alloc(16 << 20, 1))'",
  'yes "all work and no play" | head -c 200000000',
  'head -c 3G /dev/zero > huge; ls -l huge; rm huge',
  'echo survived > survived.txt',
];

dockerTest(
  'docker: a fork bomb, too much memory, too much output or a huge file fails that command alone',
  async (t) => {
    const whole = await startErrand(t, {
      runner: 'docker',
      env: { ERRAND_WORKER_MEMORY_MB: '512', ERRAND_WORKER_PIDS: '96' },
      model: byConversation((request) => {
        const command = EXCESSES[turnOf(request)];
        if (command === undefined) return { text: 'Go too far\n\nIt was survived.' };
        return { tools: [{ name: 'run_command', input: { command, timeout_s: 20 } }] };
      }),
    });
    const ann = await whole.person('ann');
    const project_id = await whole.project(ann, 'excess', BROKEN);
    const { id } = await ann.api.call('createTask', { body: { prompt: 'Go too far', project_id } });
    const done = await ended(ann, id, 110_000);
    t.is(done.status, 'succeeded', done.detail ?? '');
    t.is(done.attempts.length, 1);
    t.is(await git(join(whole.forge.root, 'excess.git'), 'show', `${done.branch}:survived.txt`), 'survived');
    const results = (await eventsOf(ann, id)).filter((event) => event.type === 'tool.finished');
    t.is(results.length, EXCESSES.length);
    const said = results.map((event) => JSON.stringify(event.body));
    t.regex(said[0] ?? '', /fork|Resource temporarily unavailable|time limit|timed out|took longer/i);
    t.regex(said[1] ?? '', /Killed|SIGKILL|137|signal/);
    t.true(said.every((text) => text.length < 200_000));
  },
  no_docker,
);

/** Describes the outcome of a connection. */
const CONNECT = `
  const [host, port] = process.argv.slice(1);
  const socket = require('net').connect({ host, port: Number(port), timeout: 5000 });
  socket.on('connect', () => { console.log('connected'); process.exit(); });
  socket.on('timeout', () => { console.log('timeout'); process.exit(); });
  socket.on('error', (error) => console.log(error.code ?? error.errors?.[0]?.code));
`;

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

dockerTest(
  'docker: an errand whose commands kill every process that they can goes on in its first attempt',
  async (t) => {
    const whole = await startErrand(t, { runner: 'docker', model: KILLER });
    const ann = await whole.person('ann');
    const project_id = await whole.project(ann, 'private', BROKEN);
    const { id } = await ann.api.call('createTask', { body: { prompt: 'Kill everything', project_id } });
    const done = await ended(ann, id);
    t.is(done.status, 'succeeded', done.detail ?? '');
    t.is(Math.max(...(await eventsOf(ann, id)).map(({ attempt }) => attempt)), 1);
    t.is(await git(join(whole.forge.root, 'private.git'), 'show', `${done.branch}:here.txt`), 'here');
  },
  no_docker,
);
