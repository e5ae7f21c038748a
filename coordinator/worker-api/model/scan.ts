const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d];

/** The byte range of a value's JSON text; `end` is exclusive. */
export type Span = { start: number; end: number };

/** A top-level key, and where it stands with its value. */
export type Member = Span & { key: string };

/**
 * Finds where the top-level keys stand, and what `JSON.parse` does not report: a key that appears twice in one object,
 * and the byte range of the number under the top-level key `name`. Parsers differ in which duplicate they use, so a
 * request with one could mean something else to the API than to the policy check. `json` must be a valid JSON object.
 */
export function scan(
  json: Buffer,
  name: string,
): { duplicate: string | undefined; span: Span | undefined; members: Member[] } {
  /** For each open object the keys seen so far; null for an open array. */
  const open: (Set<string> | null)[] = [];
  const members: Member[] = [];
  let span: Span | undefined;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    const member = open.length === 1 && (byte === COMMA || byte === BRACE_END) ? members.at(-1) : undefined;
    if (member) member.end = at;
    if (byte === BRACE) open.push(new Set());
    else if (byte === BRACKET) open.push(null);
    else if (byte === BRACE_END || byte === BRACKET_END) open.pop();
    if (byte !== QUOTE) continue;
    const end = endOfString(json, at);
    const colon = skipSpace(json, end);
    const keys = open.at(-1);
    if (keys && json[colon] === COLON) {
      const key = String(JSON.parse(json.toString('utf8', at, end)));
      if (keys.has(key)) return { duplicate: key, span, members };
      keys.add(key);
      if (open.length === 1) members.push({ key, start: at, end });
      if (open.length === 1 && key === name) span = scalar(json, skipSpace(json, colon + 1));
    }
    at = end - 1;
  }
  return { duplicate: undefined, span, members };
}

/** The position after the string that starts at `at`. */
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

/** The span of the number that starts at `start`: it ends at a comma, brace or white space. */
function scalar(json: Buffer, start: number): Span {
  let end = start;
  while (end < json.length && !', }\n\r\t'.includes(String.fromCharCode(json[end] ?? 0))) end++;
  return { start, end };
}
