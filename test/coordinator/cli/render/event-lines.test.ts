import test from 'ava';
import { EventLines } from '../../../../coordinator/cli/render/event-lines.ts';
import { paint } from '../../../../coordinator/cli/render/line.ts';
import { knownEvent } from '../../../../coordinator/client/known-event.ts';

test('what the agent is told shows unless the log said the same before it', (t) => {
  const events = new EventLines();
  const shown = (type: string, body: Record<string, unknown>) => {
    const event = {
      id: 1,
      task_id: '01jd0000000000000000',
      attempt: 1,
      seq: 1,
      type,
      at: '2026-11-30T00:00:00Z',
      body,
    };
    return events.of(event, knownEvent(event)).map((line) => paint(line, false));
  };
  const told = (text: string) => shown('input.added', { turn: 1, source: 'harness', text: `[Errand] ${text}` });
  for (const count of [1, 20]) {
    const text = `The commit of the work leaves out:${'\n- a file'.repeat(count)}`;
    t.true(shown('log', { level: 'warn', text }).length > 0);
    t.deepEqual(told(`${text}\n\nAct on it.`), []);
  }
  t.deepEqual(told('Your answer was empty.'), ['harness: [Errand] Your answer was empty.']);
});
