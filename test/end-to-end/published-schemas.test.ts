import test from 'ava';
import { ended, eventsOf, startErrand } from '../support/errand.ts';
import { assertOnWire, wireFault } from '../support/wire-schemas.ts';
import { BROKEN, byConversation, MEND } from './scenario.ts';

test('all that clients get of a whole errand is valid by the published schemas', async (t) => {
  const whole = await startErrand(t, { runner: 'process', model: byConversation(MEND) });
  const ann = await whole.person('ann');
  const project_id = await whole.project(ann, 'adder', BROKEN, { verify_command: 'npm test', setup_command: 'true' });
  const { id } = await ann.api.call('createTask', { body: { prompt: 'Mend it', project_id } });
  const phone = ann.phone(id);
  const task = await ended(ann, id);
  t.is(task.status, 'succeeded');
  const events = await eventsOf(ann, id);
  await phone.until(() => phone.cursor === events.at(-1)?.id);

  assertOnWire('TaskDetail', task);
  assertOnWire('TaskPage', await ann.api.call('listTasks', {}));
  assertOnWire('Diff', await ann.api.call('getDiff', { params: { id } }));
  for (const event of [...events, ...phone.events]) assertOnWire('Event', event);
  for (const frame of phone.frames) assertOnWire('ServerFrame', frame);
  const kinds = new Set(phone.frames.map(({ type }) => type));
  for (const kind of ['hello', 'events', 'caught_up', 'state', 'delta'] as const) t.true(kinds.has(kind), kind);
  t.true(new Set(events.map(({ type }) => type)).size > 12);

  t.not(wireFault('TaskDetail', { ...task, status: 'sleeping' }), null);
  t.not(wireFault('Event', { ...events[0], body: {} }), null);
});
