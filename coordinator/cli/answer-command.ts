import type { Need, NeedAnswerCreate } from '../../protocol/needs.ts';
import { openNeeds } from '../../protocol/task.ts';
import { Failure } from '../client/errors.ts';
import { findTask } from '../client/find.ts';
import { attachFiles, ATTACH_OPTION } from './attach.ts';
import { clientCommand } from './client-command.ts';
import { given } from './command.ts';
import { EXIT } from './exit.ts';
import { OR_STDIN, print, readText } from './io.ts';
import { UsageFailure } from './usage-failure.ts';

export const answer = clientCommand({
  name: 'answer',
  operands: ['ID', '[ANSWER]'],
  summary: `Answer what an errand asks: with the number of an option, several as 1,3, or in your own words; ${OR_STDIN}`,
  options: {
    attach: ATTACH_OPTION,
    text: { type: 'string', placeholder: 'WORDS', help: 'words of your own, beside an option or alone' },
    need: { type: 'string', placeholder: 'NUMBER', help: 'which of several open questions, from 1 (the oldest)' },
  },
  run: async ({ values, operands: [id, typed] }, io, open) => {
    const said = typed === undefined ? undefined : await readText(io, typed);
    const client = await open();
    const found = await findTask(client, id);
    const needs = openNeeds(await client.call('getTask', { params: { id: found } }));
    const need = pick(needs, values.need);
    const read = readAnswer(need, said, values.text);
    const body = { ...read, ...given({ attachments: await attachFiles(client, values.attach) }) };
    const { answer: stored } = await client.call('answerNeed', { params: { id: found, need_id: need.id }, body });
    if (stored === null) throw new Failure('The server did not store the answer.');
    print(io, [['Answered. The errand goes on with it.']]);
    return EXIT.succeeded;
  },
});

function pick(needs: readonly Need[], number = '1'): Need {
  const need = needs[Number(number) - 1];
  if (need) return need;
  if (needs.length === 0) throw new Failure('The errand asks nothing now.');
  throw new UsageFailure(`--need is not a number from 1 to ${needs.length}, the number of open questions.`);
}

/** Reads an answer: numbers or values of options, or text where it is none of them. `text` alone is text. */
export function readAnswer(
  { options, multiple }: Need,
  said: string | undefined,
  text: string | undefined,
): NeedAnswerCreate {
  if (said === undefined) {
    if (text === undefined) throw new UsageFailure('ANSWER is missing: give it, or --text.');
    return { choose: [], text };
  }
  const parts = said.split(',').map((part) => part.trim());
  const chosen = parts.map((part) => options.find(({ value }, i) => part === value || part === String(i + 1))?.value);
  const choose = chosen.filter((value) => value !== undefined);
  if (choose.length === parts.length && (multiple || choose.length === 1))
    return { choose, ...(text !== undefined && { text }) };
  // A wrong number of an option must not reach the agent as words, which cost a request.
  if (options.length > 0 && parts.every((part) => /^\d+$/.test(part))) throw noSuchChoice(said, parts, options.length);
  return { choose: [], text: text === undefined ? said : `${said}\n\n${text}` };
}

function noSuchChoice(said: string, parts: readonly string[], options: number): UsageFailure {
  const wrong = parts.find((part) => Number(part) < 1 || Number(part) > options);
  const why =
    wrong === undefined
      ? 'Only one option can be chosen.'
      : `There is no option ${wrong}: give a number from 1 to ${options}.`;
  return new UsageFailure(`${why} To answer with the words "${said}", give them with --text.`);
}
