import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { LIMITS } from '../../protocol/limits.ts';
import { UNSEEN } from '../../protocol/unseen.ts';

/** A stranger's text as it may be shown and stored: whole characters, none unseen, of bounded length. */
export function cleanText(text: string, chars_max: number = LIMITS.forge_text_chars_max): string {
  const cut = text.length > chars_max ? `${text.slice(0, chars_max)}…` : text;
  return stripVTControlCharacters(cut).replaceAll('\r\n', '\n').replaceAll(UNSEEN, '').toWellFormed();
}

/** What people wrote; null and absent: nothing. */
export const Text = z
  .string()
  .nullish()
  .transform((text) => cleanText(text ?? ''));

/** The same, as it is. It is never shown nor stored. */
export const RawText = z
  .string()
  .nullish()
  .transform((text) => text ?? '');

/** One line, such as a title or a name. */
export const Line = z.string().transform((text) => cleanText(text, LIMITS.forge_line_chars_max).replaceAll('\n', ' '));

/** An id, which forges write as a number. */
export const Id = z.union([z.int(), z.string().max(200)]).transform(String);

/** An address that a person may open: nothing but http. Anything else is empty. */
export const WebAddress = z
  .string()
  .nullish()
  .transform((text) => {
    const url = URL.parse(text ?? '');
    return url && ['http:', 'https:'].includes(url.protocol) && url.href.length <= 2_000 ? url.href : '';
  });

/**
 * Without the characters at its end that match `one`, which matches a single character. An expression such as `/ +$/`
 * looks at each run of blanks once for each of its characters: strangers write long runs.
 */
export function withoutEnd(text: string, one: RegExp): string {
  let end = text.length;
  while (end > 0 && one.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
