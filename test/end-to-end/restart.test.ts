import { join } from 'node:path';
import type { ExecutionContext, ImplementationFn } from 'ava';
import test from 'ava';
import Database from 'better-sqlite3';
import { Api } from '../support/api.ts';
import { CoordinatorProcess } from '../support/coordinator-process.ts';
import { dockerTest, whyNot } from '../support/docker.ts';
import { ended, eventsOf, FORGE, MODEL, workersIn, type Person } from '../support/errand.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { git, startGitServer } from '../support/git-server.ts';
import { makeNewerErrand } from '../support/newer-errand.ts';
import { startModel } from '../support/model/server.ts';
import { Phone } from '../support/phone.ts';
import { until } from '../support/until.ts';
import { BROKEN, byConversation, turnOf } from './scenario.ts';

const TURNS = 12;
/** The model takes its time over this turn, and the command of the next but one takes some: the coordinator goes away meanwhile. */
const SLOW_TURN = 1;
const LONG_TURN = 3;

/** An errand of a dozen turns, each of which leaves a line in a file. */
const COUNTING = byConversation((request) => {
  const turn = turnOf(request);
  if (turn === TURNS) return { text: 'Count\n\nCounted.' };
  const command = `sleep ${turn === LONG_TURN ? 4 : 0.2}; echo ${turn} >> counted.txt`;
  const tools = [{ name: 'run_command', input: { command } }];
  const slowly = turn === SLOW_TURN ? { fault: { fault: 'drip', pause_ms: 200 } as const } : {};
  return { text: `On with ${turn}, and so on.`, tools, ...slowly };
});

type Scene = {
  coordinator: CoordinatorProcess;
  /** Starts it again, from another Errand's `main` where one is given. */
  again: (main?: string) => Promise<void>;
  person: Person;
  phone: Phone;
  id: string;
};

/** An errand under way, with a coordinator that can be started again at the same ports and on the same data. */
async function startScene(t: ExecutionContext, runner: 'docker' | 'process') {
  const data_dir = await temporaryFolder(t);
  const [forge, model] = [await startGitServer(FORGE), await startModel(COUNTING)];
  t.teardown(() => Promise.all([forge.close(), model.close()]));
  const settings = {
    PORT: String(await freePort()),
    ERRAND_CALLBACK_PORT: String(await freePort()),
    ERRAND_RUNNER: runner,
    ERRAND_MODEL: MODEL,
    ERRAND_PRIVATE_HOSTS: forge.host,
    ANTHROPIC_API_KEY: model.api_key,
    ANTHROPIC_BASE_URL: model.base_url,
  };
  const start = (main?: string) => CoordinatorProcess.start(t, data_dir, settings, main);
  const first = start();
  const api = new Api(await first.url());
  const session = await api.call('signup', { body: { email: 'ann@example.org', password: 'correct horse battery' } });
  api.token = session.access_token;
  const repo_url = await forge.createRepository('adder.git', BROKEN);
  const project = { name: 'adder', repo_url, git_token: FORGE.password };
  const { id: project_id } = await api.call('createProject', { body: project });
  const { id } = await api.call('createTask', { body: { prompt: 'Count', project_id } });
  const phone = new Phone(api.url, session.user.id, () => session.access_token, id);
  t.teardown(() => phone.close());
  const scene: Scene = {
    coordinator: first,
    again: async (main) => {
      scene.coordinator = start(main);
      await scene.coordinator.url();
    },
    person: { api, session, phone: () => phone },
    phone,
    id,
  };
  return { scene, data_dir, settings, model, repository: join(forge.root, 'adder.git') };
}

/** The errand succeeds in one attempt, by one worker that did everything once; the phone has seen its log, and no more. */
async function gate(t: ExecutionContext, { scene, data_dir, repository }: Awaited<ReturnType<typeof startScene>>) {
  const { person, phone, id } = scene;
  const done = await ended(person, id, 90_000);
  t.is(done.status, 'succeeded', done.detail ?? '');
  t.is(done.attempts.length, 1);
  const log = await eventsOf(person, id);
  await phone.until(({ cursor }) => cursor === log.at(-1)?.id);
  t.deepEqual(phone.events, log);
  t.is(log.filter((event) => event.type === 'attempt.started').length, 1);
  const counted = await git(repository, 'show', `${done.branch}:counted.txt`);
  t.deepEqual(counted.split('\n').map(Number), [...Array(TURNS).keys()]);
  await until('the worker has been cleared away', () => workersIn(data_dir).length === 0);
  const { code } = await scene.coordinator.stop();
  t.is(code, 0);
}

const finished = (phone: Phone): number => phone.events.filter((event) => event.type === 'tool.finished').length;
const started = (phone: Phone): number => phone.events.filter((event) => event.type === 'tool.started').length;

/** Whether a piece of the slow turn has come, and not all of it. */
function answering({ events, frames }: Phone): boolean {
  const ref = events.filter((event) => event.type === 'turn.started')[SLOW_TURN]?.body['ref'];
  const at = frames.at(-1);
  return at?.type === 'delta' && at.deltas.some((delta) => delta.ref === ref);
}

/** How many requests there are on the books, and how many the model got: each is booked once, those too that the coordinator died in. */
async function booked({ scene, data_dir, model }: Awaited<ReturnType<typeof startScene>>) {
  const { usage } = await scene.person.api.call('getTask', { params: { id: scene.id } });
  const db = new Database(join(data_dir, 'errand.db'), { readonly: true });
  const open = Number(db.prepare('SELECT count(*) FROM open_requests').pluck().get());
  db.close();
  return { closed: usage.requests, open, asked: model.requests.filter(({ body }) => body !== undefined).length };
}

type Run = (title: string, body: ImplementationFn<[]>) => void;

function restarts(run: Run, runner: 'docker' | 'process'): void {
  run(`${runner}: an errand lives on while its coordinator is stopped and started again`, async (t) => {
    const stage = await startScene(t, runner);
    const { scene } = stage;
    await scene.phone.until((phone) => started(phone) > LONG_TURN);
    const { code, stdout } = await scene.coordinator.stop();
    t.is(code, 0);
    t.regex(stdout, /workers with a task live on/);
    t.is(scene.phone.frames.filter((frame) => frame.type === 'bye').length, 1);
    t.is(workersIn(stage.data_dir).length, 1);
    await scene.again();
    await gate(t, stage);
  });

  run(
    `${runner}: an errand lives through an upgrade, and the earlier coordinator refuses what the later one left`,
    async (t) => {
      const stage = await startScene(t, runner);
      const { scene, data_dir, settings } = stage;
      const later = await makeNewerErrand(t);
      await scene.phone.until((phone) => started(phone) > LONG_TURN);
      t.is((await scene.coordinator.stop()).code, 0);
      await scene.again(later);
      await gate(t, stage);
      const { code, stdout, stderr } = await CoordinatorProcess.start(t, data_dir, settings).ended;
      t.deepEqual([code, stdout], [1, '']);
      t.regex(
        stderr,
        /^A newer Errand upgraded the database \S+errand\.db to version \d+; this Errand knows versions up to \d+\. .*\n$/,
      );
      await scene.again(later);
      t.is((await scene.person.api.call('getTask', { params: { id: scene.id } })).status, 'succeeded');
    },
  );

  run(`${runner}: an errand lives through a coordinator that is killed, three times`, async (t) => {
    const stage = await startScene(t, runner);
    const { scene } = stage;
    // In the middle of a model's answer, of a command, and right after one.
    const moments: ((phone: Phone) => boolean)[] = [
      answering,
      (phone) => started(phone) > LONG_TURN,
      (phone) => finished(phone) > LONG_TURN + 2,
    ];
    for (const moment of moments) {
      await scene.phone.until(moment);
      await scene.coordinator.kill();
      await scene.again();
    }
    await gate(t, stage);
    t.true(scene.phone.cuts >= moments.length);
  });
}

const no_docker = await whyNot('errand-agent');

test.serial('an answer that the coordinator dies in is booked once, at the next start', async (t) => {
  const stage = await startScene(t, 'process');
  const { scene } = stage;
  for (let kills = 1, seen = 0; kills <= 2; kills++) {
    await scene.phone.until((phone) => phone.frames.length > seen && answering(phone));
    t.like(await booked(stage), { closed: SLOW_TURN + kills - 1, open: 1, asked: SLOW_TURN + kills });
    await scene.coordinator.kill();
    await scene.again();
    // Before any new request is let through.
    t.true((await booked(stage)).closed >= SLOW_TURN + kills);
    seen = scene.phone.frames.length;
  }
  const done = await ended(scene.person, scene.id, 90_000);
  t.is(done.status, 'succeeded', done.detail ?? '');
  const { closed, open, asked } = await booked(stage);
  t.deepEqual({ closed, open }, { closed: asked, open: 0 });
  const { body } = (await eventsOf(scene.person, scene.id)).findLast(({ type }) => type === 'usage.updated') ?? {};
  t.deepEqual(body?.['usage'], done.usage);
  await until('the worker has been cleared away', () => workersIn(stage.data_dir).length === 0);
});

restarts((title, body) => test.serial(title, body), 'process');
restarts((title, body) => dockerTest(title, body, no_docker), 'docker');
