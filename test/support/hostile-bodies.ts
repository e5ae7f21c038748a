const at = '2026-11-01T09:00:00.000Z';
export const MB = 1024 * 1024;
/** As many of these, with commas between them, as fit. */
export const fill = (piece: string, bytes: number) =>
  Array(Math.floor(bytes / (piece.length + 1)))
    .fill(piece)
    .join();
const event = (body: string) => `{"seq":1,"at":"${at}","type":"custom","body":${body}}`;
const post = (events: string, more = '') => `{"attempt":1,"events":[${events}]${more}}`;
const data = (text: string) => post(event(`{"name":"x","data":${text}}`));

/** Callbacks of 4 MB or less that are cheap to send and expensive to parse or to check. */
export const HOSTILE: Record<string, string> = {
  'zeros in place of events': post(fill('0', 4 * MB - 200)),
  'zeros in place of deltas': post('', `,"deltas":[${fill('0', 4 * MB - 200)}]`),
  'arrays in arrays': '['.repeat(4 * MB),
  'objects in objects': '{"a":'.repeat(800_000),
  'unknown keys': `{"attempt":1,"events":[],${Array.from({ length: 300_000 }, (_, i) => `"k${i}":0`).join()}}`,
  'one key many times': `{${fill('"attempt":1', 4 * MB - 200)}}`,
  'empty objects in an event': data(`[${fill('{}', 4 * MB - 200)}]`),
  'many small arrays in an event': data(`[${fill(`[${fill('0', 1_000)}]`, 4 * MB - 2_000)}]`),
  'wrong content blocks': post(
    `{"seq":1,"at":"${at}","type":"conversation.started","body":{"system":"","content":[${fill('0', 4 * MB - 400)}]}}`,
  ),
  'empty strings': data(`[${fill('""', 4 * MB - 200)}]`),
};

/** Those that have so little structure that they are parsed, and are wrong in thousands of places. */
export const WRONG: Record<string, string> = {
  'wrong events': post(fill('{}', 1_000)),
  'wrong deltas': post('', `,"deltas":[${fill('{"ref":0}', 4_000)}]`),
  'wrong content blocks, few enough': post(
    `{"seq":1,"at":"${at}","type":"conversation.started","body":{"system":"","content":[${fill('0', 100_000)}]}}`,
  ),
  'unknown keys, few enough': post(
    event(`{"name":"x",${Array.from({ length: 1_900 }, (_, i) => `"k${i}":0`).join()}}`),
  ),
};
