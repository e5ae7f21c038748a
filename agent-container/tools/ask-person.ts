import { z } from 'zod';
import { LIMITS } from '../../protocol/limits.ts';
import { OptionLabel } from '../../protocol/needs.ts';
import { formatDuration } from '../base/duration.ts';
import { WorkParked } from '../base/work-parked.ts';
import { defineTool } from './tool.ts';

export const askPerson = defineTool({
  name: 'ask_person',
  description:
    'Asks the person who gave the task a question, and waits for the answer. They are away and answer from a phone: ask only ' +
    'what you cannot find out or decide by yourself, and ask it so that a short answer is enough. Give the likely answers as ' +
    'options, which they choose with one touch; they may always answer in their own words. Ask one question at a time, last ' +
    'in its turn: calls behind it are not executed once it is answered.',
  input: z.strictObject({
    question: z.string().trim().min(1).max(4000),
    options: z.array(OptionLabel).min(2).max(LIMITS.options_max).optional(),
    multiple: z.boolean().describe('whether several options may be chosen; false by default').optional(),
  }),
  run: async (asked, { ref, report, messages, question_ms, parks, signal }) => {
    const now = Date.now();
    const since = new Date(now).toISOString();
    const { question } = asked;
    // A question that parks the work has no end.
    const until = parks ? {} : { until: new Date(now + question_ms).toISOString() };
    await report.emit({ type: 'question.asked', body: { ref, ...given(asked), ...until } });
    report.waitingFor({ kind: 'person', since, question, ...until });
    const time_is_up = AbortSignal.timeout(question_ms);
    const answered = await messages.arrived(AbortSignal.any([signal, time_is_up])).then(
      () => true,
      (error: unknown) => {
        if (!time_is_up.aborted) throw error;
        return false;
      },
    );
    // After an abort the question stays open: the next attempt closes it.
    signal.throwIfAborted();
    if (!answered && parks) throw new WorkParked();
    await report.emit({ type: 'question.closed', body: { ref, answered } });
    report.waitingFor(null);
    return answered
      ? 'The person answered: their message follows these results.'
      : `No answer came within ${formatDuration(question_ms)}. Use your own judgement, and say in your summary what you assumed.`;
  },
});

type Asked = { question: string; options?: string[] | undefined; multiple?: boolean | undefined };

/** An older coordinator refuses fields that it does not know, so a question without options has none. */
function given({ question, options, multiple }: Asked): { question: string; options?: string[]; multiple?: boolean } {
  if (options === undefined) return { question };
  return multiple === true ? { question, options, multiple } : { question, options };
}
