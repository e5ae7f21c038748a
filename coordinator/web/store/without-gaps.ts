const GAP_CHARS_MAX = 80;

/**
 * A text of a link or of another app, without gaps that hide its end: two empty lines or more, or what shows nothing
 * for longer than a line, become one empty line.
 */
export function withoutGaps(text: string): string {
  return text.replace(/[\s\p{Cf}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]+/gu, (gap) =>
    gap.length > GAP_CHARS_MAX || gap.split(/\r\n?|[\n\u2028\u2029]/, 4).length > 3 ? '\n\n' : gap,
  );
}
