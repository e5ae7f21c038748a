import { byConversation, turnOf } from '../end-to-end/scenario.ts';
import type { Fault, MessagesRequest, ModelOptions } from '../support/model/server.ts';

/** The file to which an errand's commands append a line per turn. */
export const TRACE = 'counted.txt';

/** The prompt of an errand with this number of turns. */
export const promptFor = (turns: number): string => `Count to ${turns}`;

/** Added to the prompt: each turn also reads hundreds of files, so that an errand has more than ten thousand events. */
export const IN_BURSTS = ' in bursts';
export const BURST_TURNS = 13;
const BURST = 400;

/** Added to the prompt: one turn's command misbehaves. Only that command may fail. */
const WILD = {
  ' with a fork bomb': 'bomb() { bomb | bomb & }; bomb; sleep 0.2',
  ' with a hog of memory': `node -e 'const all = []; for (;;) all.push(Buffer.alloc(2 ** 24, 1))'`,
  ' with no end of output': 'yes | head -c 300000000',
  ' with a full disk': 'cat /dev/zero > filling; sleep 0.5; rm -f filling',
};
export type Wild = keyof typeof WILD;
const WILD_TURN = 3;

/** Added to the prompt: the turn whose answer has blocks that the API refuses, and the turn whose answer it refuses. */
export const badHistory = (bad: number, refused: number): string =>
  ` with bad blocks at ${bad} and a refusal at ${refused}`;
const BAD_HISTORY = / with bad blocks at (\d+) and a refusal at (\d+)/;
const BAD_BLOCKS: readonly unknown[] = [
  { type: 'text', text: '\n\n' },
  { type: 'thinking', thinking: 'Hm', signature: '' },
  { type: 'hologram', data: 'x' },
  { type: 'text', text: 'half a character: \ud800', mood: 'good' },
  { type: 'tool_use', id: '', name: '', input: [1] },
];

/** The API's refusal of the newest answer, until it is left out. */
function refusalOf({ messages }: MessagesRequest, turn: number): Fault | undefined {
  const at = messages.findLastIndex(({ role }) => role === 'assistant');
  const is_left_out = !messages[at]?.content.some(({ type }) => type === 'tool_use');
  const refused = Number(BAD_HISTORY.exec(JSON.stringify(messages[0]))?.[2] ?? -1);
  if (turn !== refused + 1 || is_left_out) return undefined;
  const message = `messages.${at}.content.0: this answer is not accepted`;
  return { fault: 'status', status: 400, type: 'invalid_request_error', message };
}

/** What the model does only if the prompt asks for it. */
export type Misdeed = 'bad blocks' | 'refusal' | 'wild command';

/**
 * What a request says to the model, without results of tools. After a summary, the beginning stands in a later message.
 */
const saidIn = ({ messages }: MessagesRequest): string =>
  JSON.stringify(
    messages.flatMap(({ role, content }) => (role === 'user' ? content.filter(({ type }) => type === 'text') : [])),
  );

/** Whether a request is about the errand with this prompt: `Count to 1` is not `Count to 13`. */
export function isAbout(request: MessagesRequest, prompt: string): boolean {
  const [, after] = saidIn(request).split(prompt);
  return after !== undefined && /^["\\]/.test(after);
}

const summaryAt = (turn: number): string => `Counted to ${turn}.`;
const SUMMARY = /Counted to (\d+)\./;

/** How many turns a request knows of: those of its summary, and those that it has word for word. */
export function countedIn(request: MessagesRequest): number {
  const [, summarised] = SUMMARY.exec(JSON.stringify(request.messages[0])) ?? [];
  const turns = turnOf(request);
  return summarised === undefined ? turns : Number(summarised) + turns - 1;
}

function readPrompt(request: MessagesRequest): {
  turns: number;
  in_bursts: boolean;
  wild: string;
  bad_turn: number;
} {
  const text = saidIn(request);
  const [, turns = '0'] = /Count to (\d+)/.exec(text) ?? [];
  const wild = Object.entries(WILD).find(([manner]) => text.includes(manner))?.[1] ?? '';
  const bad_turn = Number(BAD_HISTORY.exec(text)?.[1] ?? -1);
  return { turns: Number(turns), in_bursts: text.includes(IN_BURSTS), wild, bad_turn };
}

/**
 * A model that has each turn append its number to a file. Some responses and commands are slow, so that faults hit in
 * the middle of them. `did`: is called with each misdeed.
 */
export function counting(did: (misdeed: Misdeed) => void): ModelOptions {
  return byConversation((request) => {
    const turn = countedIn(request);
    if (request.compaction !== undefined) return { compaction: summaryAt(turn) };
    const { turns, in_bursts, wild, bad_turn } = readPrompt(request);
    const refusal = refusalOf(request, turn);
    if (refusal) {
      did('refusal');
      return refusal;
    }
    if (turn >= turns) return { text: 'Count\n\nCounted.' };
    const trace = `echo ${turn} >> ${TRACE}`;
    // The command may kill its shell.
    const runs_wild = turn === WILD_TURN && wild !== '';
    if (runs_wild) did('wild command');
    const command = runs_wild ? `${trace}; ${wild}` : `sleep ${turn % 3 === 1 ? 0.6 : 0.1}; ${trace}`;
    const slowly = turn % 4 === 2 ? { fault: { fault: 'drip', pause_ms: 40 } as const } : {};
    const reads = Array.from({ length: in_bursts ? BURST : 0 }, (_, i) => ({
      name: 'read_file',
      input: { path: `file-${turn}-${i}` },
    }));
    const tools = [{ name: 'run_command', input: { command } }, ...reads];
    if (turn === bad_turn) did('bad blocks');
    const raw = turn === bad_turn ? { raw: { blocks: BAD_BLOCKS } } : {};
    return { text: `On with ${turn}, and so on.`, tools, ...raw, ...(in_bursts ? {} : slowly) };
  });
}
