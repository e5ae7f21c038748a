import type { ExecutionContext, ImplementationFn } from 'ava';
import { join } from 'node:path';
import type { LogEvent } from '../../protocol/events.ts';
import {
  ended,
  eventsOf,
  FORGE,
  startErrand,
  type Person,
  type RunnerOptions,
  type WholeErrand,
} from '../support/errand.ts';
import { git } from '../support/git-server.ts';
import type { Turn } from '../support/model/server.ts';
import { until } from '../support/until.ts';
import { BROKEN, byConversation, MEND, textOf, turnOf } from './scenario.ts';
import { lfsFiles } from './lfs-files.ts';
import { twoRepositories } from './two-repositories.ts';

const send = ({ api }: Person, body: Parameters<typeof api.call<'createTask'>>[1]['body']) =>
  api.call('createTask', { body });
const over = (events: LogEvent[]): boolean => events.some((event) => event.type === 'task.result');
const types = (events: LogEvent[]): string[] => events.map((event) => event.type);
const fileAt = (forge: WholeErrand['forge'], name: string, ref: string, path: string): Promise<string> =>
  git(join(forge.root, `${name}.git`), 'show', `${ref}:${path}`);

/** Declares one test. Tests run one at a time, because each starts many workers. */
type Run = (title: string, body: ImplementationFn<[]>) => void;

/** The runner under test. `start` returns the options of a server with this runner. */
type RunnerUnderTest = { name: string; start: (t: ExecutionContext) => Promise<RunnerOptions> };

/** A runner that ships with Errand. */
export function shipped(runner: 'docker' | 'process'): RunnerUnderTest {
  return { name: runner, start: () => Promise.resolve({ runner }) };
}

const NOTE: Turn = { tools: [{ name: 'write_file', input: { path: 'notes.txt', content: 'It subtracts.\n' } }] };

/** The tests, by title. Each runs errands from start to end. */
const ERRANDS: Record<string, (t: ExecutionContext, start: RunnerUnderTest['start']) => Promise<void>> = {
  'an errand goes from the task to the pushed branch, and its events arrive live': async (t, start) => {
    const whole = await startErrand(t, { ...(await start(t)), model: { script: MEND } });
    const ann = await whole.person('ann');
    const phone = ann.phone();
    const project_id = await whole.project(ann, 'adder', BROKEN, { verify_command: 'node --test' });
    const task = await send(ann, { prompt: 'Make the tests pass', project_id });
    const done = await ended(ann, task.id);
    t.is(done.status, 'succeeded', done.detail ?? '');
    t.is(done.attempts.length, 1);
    t.is(done.branch, done.result?.branch ?? null);
    t.true(done.usage.cost_usd > 0);
    t.is(await fileAt(whole.forge, 'adder', done.branch ?? '', 'add.js'), 'export const add = (a, b) => a + b;');
    t.is(await git(join(whole.forge.root, 'adder.git'), 'rev-parse', done.branch ?? ''), done.result?.commit ?? '');
    t.is(await fileAt(whole.forge, 'adder', 'main', 'add.js'), 'export const add = (a, b) => a - b;');
    const diff = await ann.api.call('getDiff', { params: { id: task.id } });
    t.regex(diff.diff, /^\+export const add = \(a, b\) => a \+ b;$/m);
    const log = await eventsOf(ann, task.id);
    await phone.until(({ cursor }) => cursor === log.at(-1)?.id);
    t.deepEqual(phone.events, log);
    for (const type of [
      'repository.ready',
      'turn.finished',
      'tool.finished',
      'verify.finished',
      'branch.pushed',
      'task.result',
    ])
      t.true(types(log).includes(type), type);
    t.false(
      JSON.stringify([phone.frames, whole.lines, whole.model.requests.map(({ raw }) => raw.toString())]).includes(
        FORGE.password,
      ),
    );
  },

  'an errand that changes two repositories pushes a branch to each': twoRepositories,

  'files of Git LFS of two repositories are uploaded and pushed once their push was approved': lfsFiles,

  'a message during the run reaches the model': async (t, start) => {
    const whole = await startErrand(t, {
      ...(await start(t)),
      model: byConversation((request) => {
        const asked = textOf(request).includes('call it PLUS.md');
        const wrote = textOf(request).includes('"write_file"');
        if (wrote) return { text: 'Write it down\n\nDone as you said.' };
        if (asked) return { tools: [{ name: 'write_file', input: { path: 'PLUS.md', content: 'plus\n' } }] };
        return { tools: [{ name: 'run_command', input: { command: `sleep 0.2; echo ${turnOf(request)}` } }] };
      }),
    });
    const ann = await whole.person('ann');
    const phone = ann.phone();
    const project_id = await whole.project(ann, 'adder', BROKEN);
    const { id } = await send(ann, { prompt: 'Write something down', project_id });
    await phone.until(({ events }) => types(events).includes('tool.finished'));
    await ann.api.call('createMessage', { params: { id }, body: { text: 'Please call it PLUS.md' } });
    const done = await ended(ann, id);
    t.is(done.status, 'succeeded', done.detail ?? '');
    t.is(await fileAt(whole.forge, 'adder', done.branch ?? '', 'PLUS.md'), 'plus');
    const entered = (await eventsOf(ann, id)).filter((event) => event.type === 'input.added');
    t.is(entered.length, 1);
  },

  'a cancel ends the worker within two seconds, and its work is pushed': async (t, start) => {
    const whole = await startErrand(t, {
      ...(await start(t)),
      model: {
        script: [
          { tools: [{ name: 'write_file', input: { path: 'half.txt', content: 'half\n' } }] },
          { tools: [{ name: 'run_command', input: { command: 'sleep 600' } }] },
        ],
      },
    });
    const ann = await whole.person('ann');
    const phone = ann.phone();
    const project_id = await whole.project(ann, 'adder', BROKEN);
    const { id } = await send(ann, { prompt: 'Take your time', project_id });
    await phone.until(({ events }) => events.filter((event) => event.type === 'tool.started').length === 2);
    const began = performance.now();
    await ann.api.call('cancelTask', { params: { id } });
    await until('the worker is removed', () => whole.workers().length === 0);
    t.log(`gone after ${Math.round(performance.now() - began)} ms`);
    const done = await ended(ann, id);
    t.is(done.status, 'cancelled');
    t.is(done.attempts.length, 1);
    t.is(await fileAt(whole.forge, 'adder', done.branch ?? '', 'half.txt'), 'half');
  },

  "two people see nothing of each other's": async (t, start) => {
    const whole = await startErrand(t, { ...(await start(t)), model: { script: MEND } });
    const [ann, bob] = [await whole.person('ann'), await whole.person('bob')];
    const bobs = bob.phone();
    await bobs.until(({ frames }) => frames.some((frame) => frame.type === 'caught_up'));
    const project_id = await whole.project(ann, 'adder', BROKEN);
    const { id } = await send(ann, { prompt: 'Make the tests pass', project_id });
    await ended(ann, id);
    for (const call of ['getTask', 'listEvents', 'getDiff', 'cancelTask', 'retryTask'] as const)
      t.is((await bob.api.refused(call, { params: { id } })).code, 'not_found', call);
    t.is((await bob.api.refused('createMessage', { params: { id }, body: { text: 'Hello' } })).code, 'not_found');
    t.is((await bob.api.refused('createTask', { body: { prompt: 'Mine now', project_id } })).code, 'not_found');
    t.deepEqual((await bob.api.call('listTasks', {})).items, []);
    t.deepEqual((await bob.api.call('listProjects', {})).items, []);
    t.deepEqual(
      bobs.frames.map((frame) => frame.type),
      ['hello', 'caught_up'],
    );
  },

  'ten errands share two workers, and all succeed': async (t, start) => {
    const whole = await startErrand(t, {
      ...(await start(t)),
      model: byConversation(MEND),
      env: { ERRAND_WORKERS: '2' },
    });
    const ann = await whole.person('ann');
    const phone = ann.phone();
    const project_id = await whole.project(ann, 'adder', BROKEN);
    const tasks = await Promise.all(
      Array.from({ length: 10 }, (_, n) => send(ann, { prompt: `Make the tests pass ${n}`, project_id })),
    );
    const done = await Promise.all(tasks.map(({ id }) => ended(ann, id, 110_000)));
    t.deepEqual(
      done.map(({ status, detail }) => [status, detail]),
      tasks.map(() => ['succeeded', null]),
    );
    await phone.until(({ events }) => events.filter((event) => event.type === 'task.result').length === 10);
    let [at_work, most] = [0, 0];
    for (const { type } of phone.events) {
      if (type === 'attempt.started') most = Math.max(most, ++at_work);
      if (type === 'attempt.ended') at_work--;
    }
    t.is(most, 2);
    const branches = await git(
      join(whole.forge.root, 'adder.git'),
      'branch',
      '--list',
      'errand/*',
      '--format=%(refname:short)',
    );
    t.is(branches.split('\n').length, 10);
  },

  'a task that exceeds its budget pushes its work, says so, and continues with a new budget': async (t, start) => {
    let enough = false;
    const whole = await startErrand(t, {
      ...(await start(t)),
      model: byConversation((request) =>
        enough
          ? { text: 'Write notes\n\nThat is enough.' }
          : {
              output_tokens: Math.min(20_000, request.max_tokens),
              tools: [{ name: 'write_file', input: { path: 'notes.txt', content: `${turnOf(request)}\n` } }],
            },
      ),
    });
    const ann = await whole.person('ann');
    const project_id = await whole.project(ann, 'adder', BROKEN);
    const { id } = await send(ann, { prompt: 'Go on for ever', project_id, budget_usd: 1 });
    const done = await ended(ann, id);
    t.is(done.status, 'failed');
    t.is(done.reason, 'budget_exhausted');
    t.true(done.usage.cost_usd > 0.4 && done.usage.cost_usd <= 1, `${done.usage.cost_usd}`);
    t.is(done.attempts.length, 1);
    t.regex(await fileAt(whole.forge, 'adder', done.branch ?? '', 'notes.txt'), /^\d+$/);
    enough = true;
    await ann.api.call('retryTask', { params: { id }, body: { budget_usd: 3 } });
    const more = await ended(ann, id);
    t.is(more.status, 'succeeded', more.detail ?? '');
    t.deepEqual([more.attempts.length, more.budget_usd], [2, 3]);
    t.true(more.usage.cost_usd > done.usage.cost_usd);
  },

  'a question is answered where the verify command fails already: without a change it does not run': async (
    t,
    start,
  ) => {
    const whole = await startErrand(t, { ...(await start(t)), model: { script: [{ text: 'A slip of the pen.' }] } });
    const ann = await whole.person('ann');
    const project_id = await whole.project(ann, 'adder', BROKEN, { verify_command: 'node --test' });
    const { id } = await send(ann, { prompt: 'Why does it subtract?', project_id });
    const done = await ended(ann, id);
    t.is(done.status, 'succeeded', done.detail ?? '');
    t.is(done.branch, null);
    const events = await eventsOf(ann, id);
    t.false(events.some(({ type }) => type === 'verify.finished'));
    t.true(events.some(({ type, body }) => type === 'log' && /nothing was changed/.test(String(body['text']))));
  },

  'the output of a failed verify command goes back to the model, and it passes later': async (t, start) => {
    const whole = await startErrand(t, {
      ...(await start(t)),
      model: { script: [NOTE, { text: 'There is nothing more to do.' }, ...MEND.slice(2)] },
    });
    const ann = await whole.person('ann');
    const project_id = await whole.project(ann, 'adder', BROKEN, { verify_command: 'node --test' });
    const { id } = await send(ann, { prompt: 'Make the tests pass', project_id });
    const done = await ended(ann, id);
    t.is(done.status, 'succeeded', done.detail ?? '');
    const verdicts = (await eventsOf(ann, id)).filter((event) => event.type === 'verify.finished');
    t.deepEqual(
      verdicts.map(({ body }) => body['passed']),
      [false, true],
    );
  },

  'a client that is disconnected a hundred times gets the whole log, in order, without duplicates': async (
    t,
    start,
  ) => {
    const turns = 40;
    const whole = await startErrand(t, {
      ...(await start(t)),
      model: byConversation((request) =>
        turnOf(request) < turns
          ? { text: 'On and on.', tools: [{ name: 'run_command', input: { command: `seq 1 ${turnOf(request)}` } }] }
          : { text: 'Done' },
      ),
    });
    const ann = await whole.person('ann');
    const project_id = await whole.project(ann, 'adder', BROKEN);
    const { id } = await send(ann, { prompt: 'Count', project_id });
    const phone = ann.phone(id);
    const random = seeded(7);
    const done = ended(ann, id, 100_000);
    let frames = 0;
    while (phone.cuts < 100) {
      // Disconnect after one to six more frames, so before, during and after the replay. After the end no frames
      // follow.
      const next = frames + 1 + Math.floor(random() * 6);
      await phone.until(({ frames: seen, events }) => seen.length >= next || (over(events) && seen.length > frames));
      frames = phone.frames.length;
      const before = phone.cuts;
      phone.cut();
      await phone.until(({ cuts }) => cuts > before);
    }
    t.is((await done).status, 'succeeded');
    const log = await eventsOf(ann, id);
    await phone.until(({ cursor }) => cursor === log.at(-1)?.id);
    t.deepEqual(phone.events, log);
    t.true(phone.cuts >= 100);
  },
};

/** Declares the tests for one runner. They are the same for every runner. */
export function errands(run: Run, { name, start }: RunnerUnderTest): void {
  for (const [title, body] of Object.entries(ERRANDS)) run(`${name}: ${title}`, (t) => body(t, start));
}

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
