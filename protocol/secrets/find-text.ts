/**
 * The first position of `part` in `text` at or after `from`; -1: none (Knuth, Morris and Pratt). For some texts the
 * time of V8's `indexOf` grows with the product of both lengths; here it always grows with their sum.
 */
export function findText(text: string, part: string, from: number): number {
  if (part === '') return from;
  /** For each prefix of `part`: the length of its longest proper suffix that is a prefix of `part` too. */
  const borders = new Int32Array(part.length);
  for (let at = 1, length = 0; at < part.length; at++) {
    length = extend(part, borders, length, part.charCodeAt(at));
    borders[at] = length;
  }
  for (let at = from, length = 0; at < text.length; at++) {
    length = extend(part, borders, length, text.charCodeAt(at));
    if (length === part.length) return at + 1 - length;
  }
  return -1;
}

/** The length of the longest prefix of `part` that is matched after one more character; 0: none. */
function extend(part: string, borders: Int32Array, length: number, char: number): number {
  let most = length;
  while (most > 0 && part.charCodeAt(most) !== char) most = borders[most - 1] ?? 0;
  return part.charCodeAt(most) === char ? most + 1 : 0;
}
