import test from 'ava';
import { ErrandError } from '../../../protocol/problem.ts';
import { toolbox } from '../../support/tools.ts';

test('a failed call to the coordinator ends the work, and is no missing answer', async (t) => {
  const { messages, events, call } = await toolbox(t);
  messages.arrived = () => Promise.reject(new ErrandError('stale_attempt', 'The attempt was given up.'));
  await t.throwsAsync(call('ask_person', { question: 'Which one?' }), { code: 'stale_attempt' });
  t.deepEqual(
    events.map(({ type }) => type),
    ['question.asked'],
  );
});
