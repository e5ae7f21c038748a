import { join } from 'node:path';
import type { ExecutionContext, ImplementationFn } from 'ava';
import test from 'ava';
import Database from 'better-sqlite3';
import { CoordinatorProcess } from '../support/coordinator-process.ts';
import { sendFirstErrand, startServices } from '../support/coordinator-scene.ts';
import { dockerTest, whyNot } from '../support/docker.ts';
import { ended, eventsOf, workersIn, type Person } from '../support/errand.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { git } from '../support/git-server.ts';
import { makeNewerErrand } from '../support/newer-errand.ts';
import type { Phone } from '../support/phone.ts';
import { until } from '../support/until.ts';
import { BROKEN, byConversation, turnOf } from './scenario.ts';

const TURNS = 12;
/** The model answers this turn slowly. */
const SLOW_TURN = 1;
/** The command of this turn runs for four seconds. */
const LONG_TURN = 3;

/** An errand of a dozen turns, each of which appends a line to a file. */
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
  /** Starts the coordinator again. `main`: the entry of another version of Errand. */
  again: (main?: string) => Promise<void>;
  person: Person;
  phone: Phone;
  id: string;
};

/** A running errand. Its coordinator can be started again on the same ports and data. */
async function startScene(t: ExecutionContext, runner: 'docker' | 'process') {
  const data_dir = await temporaryFolder(t);
  const { forge, model, settings: services } = await startServices(t, runner, COUNTING);
  const settings = { ...services, PORT: String(await freePort()) };
  const start = (main?: string) => CoordinatorProcess.start(t, data_dir, settings, main);
  const first = start();
  const { api, session, id, phone } = await sendFirstErrand(t, { url: await first.url(), data_dir }, forge, BROKEN);
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

/** Checks that the errand succeeds in one attempt, runs each command once, and that the phone has its exact log. */
async function checkSuccess(
  t: ExecutionContext,
  { scene, data_dir, repository }: Awaited<ReturnType<typeof startScene>>,
) {
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
  await until('the worker is removed', () => workersIn(data_dir).length === 0);
  const { code } = await scene.coordinator.stop();
  t.is(code, 0);
}

const finished = (phone: Phone): number => phone.events.filter((event) => event.type === 'tool.finished').length;
const started = (phone: Phone): number => phone.events.filter((event) => event.type === 'tool.started').length;

/** Whether the phone has received a part of the slow turn, but not all of it. */
function answering({ events, frames }: Phone): boolean {
  const ref = events.filter((event) => event.type === 'turn.started')[SLOW_TURN]?.body['ref'];
  const at = frames.at(-1);
  return at?.type === 'delta' && at.deltas.some((delta) => delta.ref === ref);
}

/** How many requests are charged (`closed`) or reserved (`open`), and how many the model received (`asked`). */
async function countRequests({ scene, data_dir, model }: Awaited<ReturnType<typeof startScene>>) {
  const { usage } = await scene.person.api.call('getTask', { params: { id: scene.id } });
  const db = new Database(join(data_dir, 'errand.db'), { readonly: true });
  const open = Number(db.prepare('SELECT count(*) FROM open_requests').pluck().get());
  db.close();
  return { closed: usage.requests, open, asked: model.requests.filter(({ body }) => body !== undefined).length };
}

type Run = (title: string, body: ImplementationFn<[]>) => void;

function restarts(run: Run, runner: 'docker' | 'process'): void {
  run(`${runner}: an errand continues through a restart of its coordinator`, async (t) => {
    const stage = await startScene(t, runner);
    const { scene } = stage;
    await scene.phone.until((phone) => started(phone) > LONG_TURN);
    const { code, stdout } = await scene.coordinator.stop();
    t.is(code, 0);
    t.regex(stdout, /workers with a task live on/);
    t.is(scene.phone.frames.filter((frame) => frame.type === 'bye').length, 1);
    t.is(workersIn(stage.data_dir).length, 1);
    await scene.again();
    await checkSuccess(t, stage);
  });

  run(
    `${runner}: an errand continues through an upgrade, and the older coordinator refuses the upgraded database`,
    async (t) => {
      const stage = await startScene(t, runner);
      const { scene, data_dir, settings } = stage;
      const later = await makeNewerErrand(t);
      await scene.phone.until((phone) => started(phone) > LONG_TURN);
      t.is((await scene.coordinator.stop()).code, 0);
      await scene.again(later);
      await checkSuccess(t, stage);
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

  run(`${runner}: an errand continues after its coordinator was killed three times`, async (t) => {
    const stage = await startScene(t, runner);
    const { scene } = stage;
    // In the middle of a model's response, in the middle of a command, and right after a command.
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
    await checkSuccess(t, stage);
    t.true(scene.phone.cuts >= moments.length);
  });
}

const no_docker = await whyNot('errand-agent');

test.serial('a request that the coordinator was killed in is charged once, at the next start', async (t) => {
  const stage = await startScene(t, 'process');
  const { scene } = stage;
  for (let kills = 1, seen = 0; kills <= 2; kills++) {
    await scene.phone.until((phone) => phone.frames.length > seen && answering(phone));
    t.like(await countRequests(stage), { closed: SLOW_TURN + kills - 1, open: 1, asked: SLOW_TURN + kills });
    await scene.coordinator.kill();
    await scene.again();
    // The start charges for it before any new request is forwarded.
    t.true((await countRequests(stage)).closed >= SLOW_TURN + kills);
    seen = scene.phone.frames.length;
  }
  const done = await ended(scene.person, scene.id, 90_000);
  t.is(done.status, 'succeeded', done.detail ?? '');
  const { closed, open, asked } = await countRequests(stage);
  t.deepEqual({ closed, open }, { closed: asked, open: 0 });
  const { body } = (await eventsOf(scene.person, scene.id)).findLast(({ type }) => type === 'usage.updated') ?? {};
  t.deepEqual(body?.['usage'], done.usage);
  await until('the worker is removed', () => workersIn(stage.data_dir).length === 0);
});

restarts((title, body) => test.serial(title, body), 'process');
restarts((title, body) => dockerTest(title, body, no_docker), 'docker');
