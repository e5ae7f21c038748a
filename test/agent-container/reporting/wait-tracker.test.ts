import test, { type ExecutionContext } from 'ava';
import { WaitTracker } from '../../../agent-container/reporting/wait-tracker.ts';
import type { WorkerWait } from '../../../protocol/worker-wait.ts';
import { until } from '../../support/until.ts';

const since = new Date().toISOString();
const model: WorkerWait = { kind: 'model', since };

/** A tracker, and all its changes. */
function track(t: ExecutionContext, quiet_ms = 100) {
  const changes: (WorkerWait | null)[] = [];
  const waits = new WaitTracker(() => changes.push(waits.current), quiet_ms);
  const keep_alive = setInterval(() => undefined, 1_000);
  t.teardown(() => {
    waits.stop();
    clearInterval(keep_alive);
  });
  const silentSince = () => {
    const { current } = waits;
    return current?.kind === 'model' || current?.kind === 'command' ? current.silent_since : undefined;
  };
  return { waits, changes, silentSince };
}

test('a wait without activity is marked as silent once, until there is activity', async (t) => {
  const { waits, changes, silentSince } = track(t);
  waits.set(model);
  const silent_since = await until('it is silent', silentSince);
  t.true(silent_since >= since);
  t.deepEqual(changes, [model, { ...model, silent_since }]);
  waits.activity();
  t.deepEqual(changes.slice(2), [model]);
  const again = await until('it is silent again', silentSince);
  t.true(again > silent_since);
  waits.set(null);
  t.deepEqual(changes.slice(3), [{ ...model, silent_since: again }, null]);
});

test('a wait with activity now and then is not silent', async (t) => {
  const { waits, changes } = track(t, 1_000);
  waits.set({ kind: 'command', since, command: 'make' });
  let activities = 0;
  const printing = setInterval(() => {
    activities++;
    waits.activity();
  }, 10);
  t.teardown(() => clearInterval(printing));
  await until('there was activity for longer than the quiet time', () => activities > 150);
  t.is(changes.length, 1);
});

test('only the model and commands can be silent', async (t) => {
  const { waits, changes, silentSince } = track(t, 10);
  const person: WorkerWait = { kind: 'person', since, question: 'Which?' };
  waits.set(model);
  await until('the model is silent', silentSince);
  waits.set(person);
  let turns = 0;
  await until('time has passed', () => turns++ > 5);
  t.deepEqual(changes.at(-1), person);
});

test('a wait that was refused is dropped, and one that has begun since stays and is news', (t) => {
  const { waits } = track(t);
  waits.set(model);
  const refused = waits.current;
  const command: WorkerWait = { kind: 'command', since, command: 'make' };
  waits.set(command);
  waits.drop(refused);
  t.deepEqual([waits.current, waits.unreported], [command, true]);
  waits.drop(waits.current);
  t.deepEqual([waits.current, waits.unreported], [null, false]);
});
