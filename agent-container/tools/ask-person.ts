import { z } from 'zod';
import { inWords } from '../base/text.ts';
import { defineTool } from './tool.ts';

export const askPerson = defineTool({
  name: 'ask_person',
  description:
    'Asks the person who gave the task a question, and waits for the answer. They are away and answer from a phone: ask only what you cannot find out or ' +
    'decide by yourself, and ask it so that a short answer is enough.',
  input: z.strictObject({ question: z.string().trim().min(1).max(4000) }),
  run: async ({ question }, { ref, report, inbox, question_ms, signal }) => {
    const now = Date.now();
    const since = new Date(now).toISOString();
    const until = new Date(now + question_ms).toISOString();
    await report.emit({ type: 'question.asked', body: { ref, question, until } });
    report.waitingFor({ kind: 'person', since, question, until });
    const patience = AbortSignal.timeout(question_ms);
    const answered = await inbox.arrived(AbortSignal.any([signal, patience])).then(
      () => true,
      () => false,
    );
    // The question stays open where the work was aborted: the next attempt closes it.
    signal.throwIfAborted();
    await report.emit({ type: 'question.closed', body: { ref, answered } });
    report.waitingFor(null);
    return answered
      ? 'The person answered: their words follow these results.'
      : `No answer came within ${inWords(question_ms)}. Go on by your own judgement, and say in your summary what you assumed.`;
  },
});
