import { z } from 'zod';
import { formatDuration } from '../base/duration.ts';
import { defineTool } from './tool.ts';

export const askPerson = defineTool({
  name: 'ask_person',
  description:
    'Asks the person who gave the task a question, and waits for the answer. They are away and answer from a phone: ask only ' +
    'what you cannot find out or decide by yourself, and ask it so that a short answer is enough.',
  input: z.strictObject({ question: z.string().trim().min(1).max(4000) }),
  run: async ({ question }, { ref, report, messages, question_ms, signal }) => {
    const now = Date.now();
    const since = new Date(now).toISOString();
    const until = new Date(now + question_ms).toISOString();
    await report.emit({ type: 'question.asked', body: { ref, question, until } });
    report.waitingFor({ kind: 'person', since, question, until });
    const time_is_up = AbortSignal.timeout(question_ms);
    const answered = await messages.arrived(AbortSignal.any([signal, time_is_up])).then(
      () => true,
      () => false,
    );
    // After an abort the question stays open: the next attempt closes it.
    signal.throwIfAborted();
    await report.emit({ type: 'question.closed', body: { ref, answered } });
    report.waitingFor(null);
    return answered
      ? 'The person answered: their message follows these results.'
      : `No answer came within ${formatDuration(question_ms)}. Use your own judgement, and say in your summary what you assumed.`;
  },
});
