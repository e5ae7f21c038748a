/** The kinds of blocks that can be changed or left out alone; `summary`: a block of the type `compaction`. */
export type RefusedKind = 'summary' | 'document' | 'image' | 'thinking';

/**
 * What the API refuses of a conversation, as far as its text says so. The numbers are the place in the request: of a
 * message, of its block, and of a block inside of that one, which is the result of a call.
 */
export type Refusal = {
  kind: RefusedKind | null;
  message: number | null;
  block: number | null;
  inner: number | null;
};

/** How a text names a place: `messages.7.content.0.tool_result.content.1.image.source: …`, or less of it. */
const PLACE = /\bmessages(?:\.(\d{1,6})(?:\.content\.(\d{1,6})(?:\.tool_result\.content\.(\d{1,6}))?)?)?[.:]/;
/** What begins with another field of the request is not about the conversation. */
const OTHER_FIELD = /^(?!messages\b)[a-z_]+(?:\.\w+)*:/;
/** Texts without a place are about the conversation if they name a block: `Could not process PDF`. */
const BLOCK = /\bblocks?\b|\bsignature\b|\btool_(?:use|result)\b|\bpdf\b|\bdocuments?\b|\bimages?\b/i;
/** The first that fits: a text about the signature of a summary names both. */
const KINDS: [RefusedKind, RegExp][] = [
  ['summary', /\bcompaction\W{0,2}block/i],
  ['document', /\bpdf\b|\bdocuments?\b/i],
  ['image', /\bimages?\b/i],
  ['thinking', /thinking|\bsignature\b/i],
];

/** Reads the API's text for a status of 400. Null: it is not the conversation that it refuses. */
export function refusalIn(text: string): Refusal | null {
  const place = PLACE.exec(text);
  if (OTHER_FIELD.test(text) || (place === null && !BLOCK.test(text))) return null;
  const [message = null, block = null, inner = null] = (place ?? []).slice(1).map(numberOrNull);
  return { kind: KINDS.find(([, named]) => named.test(text))?.[0] ?? null, message, block, inner };
}

const numberOrNull = (digits: string | undefined): number | null => (digits === undefined ? null : Number(digits));
