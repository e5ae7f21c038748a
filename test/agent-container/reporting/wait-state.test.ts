import test, { type ExecutionContext } from 'ava';
import { Waiting } from '../../../agent-container/reporting/wait-state.ts';
import type { WaitingFor } from '../../../protocol/task.ts';
import { until } from '../../support/until.ts';

const since = new Date().toISOString();
const model: WaitingFor = { kind: 'model', since };

/** What is waited for, with all that was told of it. */
function waitingOf(t: ExecutionContext, quiet_ms = 100) {
  const told: (WaitingFor | null)[] = [];
  const waiting = new Waiting(() => told.push(waiting.now), quiet_ms);
  const keep_alive = setInterval(() => undefined, 1_000);
  t.teardown(() => {
    waiting.stop();
    clearInterval(keep_alive);
  });
  const silent = () => {
    const { now } = waiting;
    return now?.kind === 'model' || now?.kind === 'command' ? now.silent_since : undefined;
  };
  return { waiting, told, silent };
}

test('a wait of which nothing comes is told of as silent, once, and no more when something does', async (t) => {
  const { waiting, told, silent } = waitingOf(t);
  waiting.set(model);
  const silent_since = await until('it is silent', silent);
  t.true(silent_since >= since);
  t.deepEqual(told, [model, { ...model, silent_since }]);
  waiting.heard();
  t.deepEqual(told.slice(2), [model]);
  const again = await until('it is silent again', silent);
  t.true(again > silent_since);
  waiting.set(null);
  t.deepEqual(told.slice(3), [{ ...model, silent_since: again }, null]);
});

test('a wait of which something comes now and then is not silent', async (t) => {
  const { waiting, told } = waitingOf(t, 1_000);
  waiting.set({ kind: 'command', since, command: 'make' });
  let heard = 0;
  const printing = setInterval(() => {
    heard++;
    waiting.heard();
  }, 10);
  t.teardown(() => clearInterval(printing));
  await until('it was heard for longer than it may be quiet', () => heard > 150);
  t.is(told.length, 1);
});

test('what cannot speak is never silent', async (t) => {
  const { waiting, told, silent } = waitingOf(t, 10);
  const person: WaitingFor = { kind: 'person', since, question: 'Which?' };
  waiting.set(model);
  await until('the model is silent', silent);
  waiting.set(person);
  let turns = 0;
  await until('time has passed', () => turns++ > 5);
  t.deepEqual(told.at(-1), person);
});
