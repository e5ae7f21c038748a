const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Where the JSON text of a value stands, in bytes. */
export type Span = { start: number; end: number };

/**
 * What `JSON.parse` does not tell of a JSON object: whether some key comes twice in one object (parsers differ in which one they take, and so
 * one that checks could read another request than one that obeys), and where the number under the top-level key `name` stands.
 * `json` must have been parsed without an error.
 */
export function scan(json: Buffer, name: string): { duplicate: string | undefined; span: Span | undefined } {
  /** The keys seen so far of each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  let span: Span | undefined;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === BRACE) open.push(new Set());
    else if (byte === BRACKET) open.push(null);
    else if (byte === BRACE_END || byte === BRACKET_END) open.pop();
    if (byte !== QUOTE) continue;
    const end = endOfString(json, at);
    const colon = skipSpace(json, end);
    const keys = open.at(-1);
    if (keys && json[colon] === COLON) {
      const key = String(JSON.parse(json.toString('utf8', at, end)));
      if (keys.has(key)) return { duplicate: key, span };
      keys.add(key);
      if (open.length === 1 && key === name) span = scalar(json, skipSpace(json, colon + 1));
    }
    at = end - 1;
  }
  return { duplicate: undefined, span };
}

/** The position after the string that begins at `at`. */
function endOfString(json: Buffer, at: number): number {
  let end = json.indexOf(QUOTE, at + 1);
  while (end !== -1) {
    let escapes = 0;
    while (json[end - 1 - escapes] === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end + 1;
    end = json.indexOf(QUOTE, end + 1);
  }
  return json.length;
}

function skipSpace(json: Buffer, at: number): number {
  while (json[at] === 0x20 || json[at] === 0x0a || json[at] === 0x0d || json[at] === 0x09) at++;
  return at;
}

/** A number reaches to the comma, the brace or the space that follows it. */
function scalar(json: Buffer, start: number): Span {
  let end = start;
  while (end < json.length && !', }\n\r\t'.includes(String.fromCharCode(json[end] ?? 0))) end++;
  return { start, end };
}
