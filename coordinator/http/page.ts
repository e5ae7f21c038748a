/**
 * Makes a page of `limit` items out of rows that are one more if there are more. The cursor is the id of the last
 * item.
 */
export function pageOf<T extends { id: string }>(rows: T[], limit: number): { items: T[]; next_cursor: string | null } {
  const items = rows.slice(0, limit);
  return { items, next_cursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}
