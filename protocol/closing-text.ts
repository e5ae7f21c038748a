/* What the text at the end of an agent's work says, and may do at a forge. */

/** A line such as `[1] fixed: …`, which says what became of one numbered comment: its number, verdict and sentence. */
export const OUTCOME_LINE =
  /^[\s>*\-_`]*\[(\d{1,6})\][\s*_`:\u2013\u2014-]*(fixed|done|changed|not changed|not fixed|unchanged)\b[\s*_`:.\u2013\u2014-]*(.*)/i;

/** The text without those lines. */
export function withoutOutcomes(text: string): string {
  return text
    .split('\n')
    .filter((line) => !OUTCOME_LINE.test(line))
    .join('\n')
    .trim();
}

/** The text without keywords that close an issue: a zero-width space comes in between. */
export function closingNothing(text: string): string {
  return text.replace(/\b(fix(?:e[sd])?|close[sd]?|resolve[sd]?)(:?\s+)(?=\S*(#|\/issues\/|\bgh-)\d)/giu, '$1\u200B$2');
}
