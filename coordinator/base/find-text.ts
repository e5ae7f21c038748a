/**
 * Where `text` first has `part`, from `from` on; -1: nowhere (Knuth, Morris and Pratt). `indexOf` of V8 takes the
 * product of both lengths for some texts; this takes their sum, whatever they are.
 */
export function findText(text: string, part: string, from: number): number {
  if (part === '') return from;
  /** How long the beginning of the part is that stands before each of its ends, without the whole of it. */
  const again = new Int32Array(part.length);
  for (let at = 1, length = 0; at < part.length; at++) {
    length = longerBy(part, again, length, part.charCodeAt(at));
    again[at] = length;
  }
  for (let at = from, length = 0; at < text.length; at++) {
    length = longerBy(part, again, length, text.charCodeAt(at));
    if (length === part.length) return at + 1 - length;
  }
  return -1;
}

/** The length of the beginning of `part` that stands before a character, with that character; 0: none does. */
function longerBy(part: string, again: Int32Array, length: number, char: number): number {
  let most = length;
  while (most > 0 && part.charCodeAt(most) !== char) most = again[most - 1] ?? 0;
  return part.charCodeAt(most) === char ? most + 1 : 0;
}
