const GAP_CHARS_MAX = 80;

/**
 * A text of a link or of another app, without gaps that hide its end: what shows nothing for more than two lines, or
 * for longer than a line, becomes one empty line.
 */
export function withoutGaps(text: string): string {
  return text.replace(/[\s\p{Cf}\p{Cc}\u115f\u1160\u2800\u3164\uffa0]+/gu, (gap) =>
    gap.length > GAP_CHARS_MAX || gap.split(/\r\n?|[\n\u2028\u2029]/, 4).length > 3 ? '\n\n' : gap,
  );
}
