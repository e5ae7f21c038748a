import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { WaitingFor } from '../../protocol/task.ts';
import { CommandLine } from '../support/command-line.ts';
import { ended, startErrand, type WholeErrand } from '../support/errand.ts';
import type { ModelOptions } from '../support/model/server.ts';
import type { Phone } from '../support/phone.ts';
import { workerPid } from '../support/processes.ts';
import { BROKEN } from './scenario.ts';

/* Real workers whose model, command or process is silent: the API, the socket and the command line all say so. */

const PACE = { heartbeat_ms: 1_000, lease_ms: 30_000 };

/** A running errand that a phone and a command line watch. */
async function startWatched(t: ExecutionContext, model: ModelOptions) {
  const whole = await startErrand(t, { runner: 'process', model, pace: PACE });
  const ann = await whole.person('ann');
  const project_id = await whole.project(ann, 'adder', BROKEN);
  const { id } = await ann.api.call('createTask', { body: { prompt: 'Take your time', project_id } });
  const phone = ann.phone(id);
  const cli = await CommandLine.create(t);
  const server = whole.errand.url;
  const password = 'correct horse battery';
  await cli.run(['login', '--server', server, '--email', ann.session.user.email], { stdin: password });
  const watching = cli.start(['watch', id]);
  const told = () => stateOf(phone, id);
  /** Waits until the API, the socket and the command line all show this. */
  const shown = async (is: (waiting: WaitingFor) => boolean, words: string) => {
    await phone.until(() => {
      const now = told();
      return now !== null && is(now);
    });
    const waiting = told();
    t.deepEqual((await ann.api.call('getTask', { params: { id } })).waiting_for, waiting);
    t.deepEqual((await ann.api.call('listTasks', {})).items[0]?.waiting_for, waiting);
    await watching.shows(words);
    return waiting;
  };
  const cancel = async () => {
    await ann.api.call('cancelTask', { params: { id } });
    t.is((await ended(ann, id)).status, 'cancelled');
    t.is((await watching.ended).code, 3);
  };
  return { whole, ann, id, phone, told, shown, cancel };
}

/** The last `waiting_for` that the socket sent. */
function stateOf({ frames }: Phone, id: string): WaitingFor | null {
  const frame = frames.findLast((each) => each.type === 'state' && each.task_id === id);
  return frame?.type === 'state' ? frame.waiting_for : null;
}

const run = (command: string) => ({ tools: [{ name: 'run_command', input: { command } }] });
const isSilent = (kind: 'model' | 'command') => (waiting: WaitingFor) =>
  waiting.kind === kind && waiting.silent_since !== undefined;

function pidOf({ data_dir, workers }: WholeErrand): number {
  return workerPid(join(data_dir, 'workers'), workers()[0] ?? '');
}

test.serial(
  'a suspended worker: since when there is no heartbeat, and when the lease expires; after it resumes, what it waits for',
  async (t) => {
    const { whole, told, phone, shown, cancel } = await startWatched(t, { script: [run('sleep 600')] });
    await phone.until(() => told()?.kind === 'command');
    const pid = pidOf(whole);
    process.kill(pid, 'SIGSTOP');
    const waiting = await shown(({ kind }) => kind === 'silent_worker', 'the worker is silent');
    if (waiting?.kind !== 'silent_worker') return t.fail();
    t.is(Date.parse(waiting.until) - Date.parse(waiting.since), PACE.lease_ms);
    process.kill(pid, 'SIGCONT');
    await phone.until(() => told()?.kind === 'command');
    await cancel();
  },
);

test.serial(
  'a command without output: since when it is silent, and its time limit; nothing once it prints',
  async (t) => {
    const { told, phone, shown, cancel } = await startWatched(t, { script: [run('sleep 14; echo done; sleep 600')] });
    const waiting = await shown(isSilent('command'), 'runs sleep 14; echo done; sleep 600, silent for');
    if (waiting?.kind !== 'command') return t.fail();
    t.true((waiting.silent_since ?? '') >= waiting.since);
    t.truthy(waiting.until);
    const { silent_since: _, ...known } = waiting;
    await phone.until(() => !isSilent('command')(told() ?? waiting));
    t.deepEqual(told(), known);
    await cancel();
  },
);

test.serial('a model that accepts the request and sends nothing: since when there is no byte', async (t) => {
  const { whole, shown, cancel } = await startWatched(t, { script: [{ fault: 'silence' }] });
  await shown(isSilent('model'), 'waits for the model, silent for');
  t.is(whole.model.requests.length, 1);
  await cancel();
});

test.serial('a model that stops in the middle of its response: since when there is no byte', async (t) => {
  const text = 'word '.repeat(200);
  const { phone, told, shown, cancel } = await startWatched(t, {
    script: [{ text, fault: { fault: 'stall', at_byte: 2000 } }],
  });
  await phone.until(({ frames }) => frames.some(({ type }) => type === 'delta'));
  t.false(isSilent('model')(told() ?? { kind: 'worker', since: '' }));
  await shown(isSilent('model'), 'waits for the model, silent for');
  await cancel();
});
