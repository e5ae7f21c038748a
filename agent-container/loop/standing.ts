import { z } from 'zod';
import { isRedactionOf } from '../../protocol/secrets/redaction-of.ts';
import type { TranscriptEvent } from '../../protocol/worker-schemas.ts';
import type { Secrets } from '../base/secrets.ts';

/* The person's standing instructions: what they want of every task of the project. */

const PREFACE =
  'The person wants this of every task of this project. It counts as the task does, and before what the repository ' +
  'says; where the task says otherwise, the task counts:';
const [OPEN, CLOSE] = ['<standing_instructions>', '</standing_instructions>'];

/** Begins a note about standing instructions that are others than the conversation began with. */
export const STANDING_CHANGED = '[Errand] The person has changed what they want of every task of this project.';

const Began = z.object({ content: z.array(z.object({ text: z.string().optional() })) });
const Added = z.object({ source: z.literal('harness'), text: z.string().startsWith(STANDING_CHANGED) });

/** The standing instructions for the first message, marked and without secrets; null: there are none. */
export function standingText(instructions: string | undefined, secrets: Secrets): string | null {
  const text = instructions?.trim() ?? '';
  return text === '' ? null : `${PREFACE}\n\n${OPEN}\n${secrets.redact(text).toWellFormed()}\n${CLOSE}`;
}

/** What a model must be told whose conversation has other standing instructions than these; null: it has the same. */
export function standingNote(
  transcript: TranscriptEvent[],
  instructions: string | undefined,
  secrets: Secrets,
): string | null {
  const now = standingText(instructions, secrets);
  const told = transcript.reduce((before, event) => toldBy(event) ?? before, '');
  if (now === null) return told.includes(PREFACE) ? `${STANDING_CHANGED} Nothing of it counts any more.` : null;
  if (isSame(told.slice(told.indexOf(PREFACE)), now, secrets)) return null;
  return `${STANDING_CHANGED} From now on this counts, and nothing of it before:\n\n${now}`;
}

/**
 * Whether two texts have the same words. The log masks more than this worker, such as a secret in base64: a mask stands
 * for any part of a word.
 */
function isSame(told: string, now: string, secrets: Secrets): boolean {
  const [before, after] = [wordsOf(secrets.redact(told)), wordsOf(now)];
  return before.length === after.length && before.every((word, n) => isRedactionOf(word, after[n] ?? ''));
}

/** The words of a text, and the blanks between them. A mask has none. */
const wordsOf = (text: string): string[] => text.replace(/\[secret(?: \w+)?\]/g, '[secret]').split(/(\s+)/);

/** The text of an event that says what the standing instructions are. */
function toldBy({ type, body }: TranscriptEvent): string | undefined {
  if (type === 'input.added') return Added.safeParse(body).data?.text;
  if (type !== 'conversation.started') return undefined;
  return Began.safeParse(body).data?.content.find(({ text }) => text?.startsWith(PREFACE) === true)?.text;
}
