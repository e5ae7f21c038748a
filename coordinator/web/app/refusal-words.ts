import type { FieldError } from '../../../protocol/problem.ts';
import { Refusal } from '../../client/errors.ts';
import { t } from '../parts/speech.ts';
import { faultWords } from '../parts/words.ts';
import { s } from './screen-speech.ts';

/** As `faultWords`, with the reason of a refusal, or those of its fields, in the language of the person. */
export function refusalWords(error: unknown): string {
  if (!(error instanceof Refusal)) return faultWords(error);
  const own = s.refusal(error);
  if (own !== undefined) return own;
  const of_fields = error.errors.map((field) => s.refusal(field));
  return of_fields.length === 0 || of_fields.includes(undefined) ? faultWords(error) : of_fields.join(' · ');
}

/** What is wrong with a field: in the words of the app, where it has some. */
export function fieldWords(field: FieldError): string {
  return s.refusal(field) ?? t.in_english(field.message);
}
