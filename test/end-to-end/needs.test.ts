import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CoordinatorProcess } from '../support/coordinator-process.ts';
import { sendFirstErrand, startServices } from '../support/coordinator-scene.ts';
import { ended, eventsOf, startErrand, workersIn, type Person } from '../support/errand.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { git } from '../support/git-server.ts';
import type { Turn } from '../support/model/server.ts';
import { until } from '../support/until.ts';
import type { Need, NeedAnswerCreate } from '../../protocol/needs.ts';
import { BROKEN, byConversation, MEND } from './scenario.ts';

const ASK: Turn = {
  text: 'I need to know this.',
  tools: [
    { name: 'run_command', input: { command: 'echo work >> kept.txt' } },
    { name: 'ask_person', input: { question: 'Which store?', options: ['SQLite', 'PostgreSQL'] } },
  ],
};
const DONE: Turn = { text: 'Store it\n\nIt is stored.' };

type Asked = { id: string; needs: Need[] };

/** Resolves once the errand is parked. */
function parked({ api }: Pick<Person, 'api'>, id: string): Promise<Asked> {
  return until(`task ${id} is parked`, async () => {
    const { status, needs = [], attempts } = await api.call('getTask', { params: { id } });
    return status === 'parked' && attempts.at(-1)?.ended_at !== null && { id, needs };
  });
}

function answer({ api }: Pick<Person, 'api'>, { id, needs }: Asked, body: Partial<NeedAnswerCreate>) {
  const params = { id, need_id: needs[0]?.id ?? '' };
  return api.call('answerNeed', { params, body: { choose: [], ...body } });
}

test('a question outlives its worker and a killed coordinator: the work is pushed, the answer resumes it', async (t) => {
  const data_dir = await temporaryFolder(t);
  const { forge, model, settings: services } = await startServices(t, 'process', byConversation([ASK, DONE]));
  const settings = { ...services, PORT: String(await freePort()), ERRAND_PARK_AFTER_MS: '1' };
  const first = CoordinatorProcess.start(t, data_dir, settings);
  const sent = await sendFirstErrand(t, { url: await first.url(), data_dir }, forge, BROKEN);
  const before = await parked(sent, sent.id);
  await until('the worker is gone', () => workersIn(data_dir).length === 0);
  const { branch } = await sent.api.call('getTask', { params: sent });
  const repository = join(forge.root, 'adder.git');
  t.is(await git(repository, 'show', `${branch}:kept.txt`), 'work');
  await first.kill();
  const second = CoordinatorProcess.start(t, data_dir, settings);
  await second.url();
  t.deepEqual(await parked(sent, sent.id), before);
  await answer(sent, before, { choose: ['2'] });
  const done = await ended(sent, sent.id);
  t.is(done.status, 'succeeded', done.detail ?? '');
  t.is(done.attempts.length, 2);
  t.regex(JSON.stringify(model.requests.at(-1)?.body?.messages), /PostgreSQL/);
  // The turn that asked was paid once, and its first command ran once.
  t.is(model.requests.length, 2);
  t.is(await git(repository, 'show', `${done.branch}:kept.txt`), 'work');
  await until('the worker is removed', () => workersIn(data_dir).length === 0);
  t.is((await second.stop()).code, 0);
});

test('a plan is answered before the work begins, is planned again as wished, and is not asked for in a later message', async (t) => {
  const plan = (question: string, options: string[]): Turn => ({
    tools: [{ name: 'ask_person', input: { question, options } }],
  });
  const plans = [plan('Turn the sign?', ['Go ahead', 'Stop here']), plan('Write sum anew?', ['Go ahead', 'Stop here'])];
  const later: Turn = { text: 'Nothing more\n\nIt adds.' };
  const errand = await startErrand(t, {
    runner: 'process',
    model: byConversation([...plans, ...MEND, later]),
    env: { ERRAND_PARK_AFTER_MS: '1' },
  });
  const person = await errand.person('ann');
  const project_id = await errand.project(person, 'adder', BROKEN);
  const body = { prompt: 'Mend it', project_id, plan_first: true };
  const { id } = await person.api.call('createTask', { body });
  const first = await parked(person, id);
  t.is(first.needs[0]?.question, 'Turn the sign?');
  await answer(person, first, { text: 'Rather anew.' });
  const second = await until('it plans again', async () => {
    const asked = await parked(person, id);
    return asked.needs[0]?.id !== first.needs[0]?.id && asked;
  });
  t.is(second.needs[0]?.question, 'Write sum anew?');
  await answer(person, second, { choose: ['1'] });
  t.is((await ended(person, id)).result?.diff_stat.files, 1);
  await person.api.call('createMessage', { params: { id }, body: { text: 'Does it add?' } });
  const done = await until('it has answered', async () => {
    const task = await person.api.call('getTask', { params: { id } });
    return task.attempts.length === 4 && task.status === 'succeeded' && task;
  });
  t.deepEqual(done.needs, []);
  t.is((await eventsOf(person, id)).filter(({ type }) => type === 'need.asked').length, 2);
});

/** A project whose errands fix the repository, and a person who sent one. */
async function sendMending(t: ExecutionContext, settings: object, turns: Turn[] = MEND) {
  const errand = await startErrand(t, { runner: 'process', model: byConversation(turns) });
  const person = await errand.person('ann');
  const project_id = await errand.project(person, 'adder', BROKEN, settings);
  const { id } = await person.api.call('createTask', { body: { prompt: 'Mend it', project_id } });
  const refs = () => git(join(errand.forge.root, 'adder.git'), 'for-each-ref', '--format=%(refname) %(objectname)');
  return { errand, person, id, refs };
}

test('nothing reaches the forge before it is approved; then exactly the approved commit does', async (t) => {
  const { person, id, refs } = await sendMending(t, { ask_before_push: true, verify_command: 'npm test' });
  const asked = await parked(person, id);
  t.notRegex(await refs(), /errand/);
  t.like(asked.needs[0], { kind: 'push', diff_stat: { files: 1 } });
  t.regex((await person.api.call('getDiff', { params: { id } })).diff, /\+export const add = \(a, b\) => a \+ b;/);
  await answer(person, asked, { choose: ['approve'] });
  const done = await ended(person, id);
  t.is(done.status, 'succeeded', done.detail ?? '');
  t.is(done.result?.commit, asked.needs[0]?.commit);
  t.true((await refs()).includes(`refs/heads/${done.branch} ${asked.needs[0]?.commit}`));
});

test('work that is sent back is changed, asked for again, and pushed as a whole', async (t) => {
  const again: Turn[] = [
    { tools: [{ name: 'run_command', input: { command: 'echo more > more.txt' } }] },
    { text: 'More of it\n\nThere is more now.' },
  ];
  const { person, id, refs } = await sendMending(t, { ask_before_push: true }, [...MEND, ...again]);
  const first = await parked(person, id);
  await answer(person, first, { choose: ['send_back'], text: 'Add more.' });
  const second = await until('it asks again', async () => {
    const asked = await parked(person, id);
    return asked.needs[0]?.id !== first.needs[0]?.id && asked;
  });
  t.like(second.needs[0], { kind: 'push', diff_stat: { files: 2 } });
  t.notRegex(await refs(), /errand/);
  await answer(person, second, { choose: ['approve'] });
  const done = await ended(person, id);
  t.is(done.result?.commit, second.needs[0]?.commit);
  t.like(done.result?.diff_stat, { files: 2 });
});

test('an errand asks for more at its budget, and goes on where it was', async (t) => {
  const { errand, person, id } = await sendMending(t, { ask_at_budget: true, budget_usd: 0.001 });
  const asked = await parked(person, id);
  t.is(asked.needs[0]?.kind, 'budget');
  await answer(person, asked, { choose: ['add_2'] });
  const done = await ended(person, id);
  t.is(done.status, 'succeeded', done.detail ?? '');
  t.is(done.budget_usd, 2.001);
  const asks = (await eventsOf(person, id)).filter(({ type }) => type === 'need.asked');
  t.is(asks.length, 1);
  t.is(errand.workers().length <= 1, true);
});
