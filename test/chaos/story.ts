import { byConversation, turnOf } from '../end-to-end/scenario.ts';
import type { MessagesRequest, ModelOptions } from '../support/model/server.ts';

/** The file in which an errand's commands leave their traces, one line a turn. */
export const TRACE = 'counted.txt';

/** What an errand is asked for: so many turns. */
export const promptFor = (turns: number): string => `Count to ${turns}`;

function turnsOf(request: MessagesRequest): number {
  const [, turns = '0'] = /Count to (\d+)/.exec(JSON.stringify(request.messages[0])) ?? [];
  return Number(turns);
}

/** A model that has each turn's number written to a file, once; slowly now and then, so that faults come in the middle of an answer and of a command. */
export function counting(): ModelOptions {
  return byConversation((request) => {
    const turn = turnOf(request);
    if (turn >= turnsOf(request)) return { text: 'Count\n\nCounted.' };
    const command = `sleep ${turn % 3 === 1 ? 0.6 : 0.1}; echo ${turn} >> ${TRACE}`;
    const slowly = turn % 4 === 2 ? { fault: { fault: 'drip', pause_ms: 40 } as const } : {};
    return { text: `On with ${turn}, and so on.`, tools: [{ name: 'run_command', input: { command } }], ...slowly };
  });
}
