import { z } from 'zod';
import { cutMiddle } from '../base/head-and-tail.ts';
import type { ToolCalls } from './tool-calls.ts';
import type { OpenCall, RecordEvent, Transcript } from './transcript.ts';

const SHOWN_COMMAND_CHARS_MAX = 1_000;
const NOT_EXECUTED = 'Not executed: the worker died before it. Make the call again if it is still right.';

/**
 * Answers the calls of a turn in which the previous attempt was lost, and tells the model how the workspace differs
 * from the one that the conversation is about. If none of the calls had begun they stay open: the loop runs them, and
 * the model is not paid twice for the same turn. A question outlives its attempt, so it is asked again, as the same
 * one, and the calls behind it have not begun. In another workspace no call stays open: it was not meant for that.
 */
export async function resume(
  transcript: Transcript,
  tool_calls: ToolCalls,
  record: RecordEvent,
  workspace_note: string | null,
): Promise<void> {
  const { turn } = transcript;
  const open = transcript.openCalls();
  const is_asking = open[0] !== undefined && isAsking(open[0]);
  const has_begun = transcript.has_results || open.some(({ started }) => started);
  const may_stay_open = workspace_note === null && (is_asking || !has_begun);
  for (const call of may_stay_open ? [] : open) {
    if (isAsking(call)) await record({ type: 'question.closed', body: { ref: call.ref, answered: false } });
    await tool_calls.refuse(turn, [call], call.started ? interruptedText(call) : NOT_EXECUTED);
  }
  if (workspace_note !== null)
    await record({ type: 'input.added', body: { turn, source: 'harness', text: `[Errand] ${workspace_note}` } });
}

function isAsking({ started, name }: OpenCall): boolean {
  return started && name === 'ask_person';
}

/** Names the command: it may be what ended the worker, and would do so again. */
function interruptedText({ name, input }: OpenCall): string {
  const command = name === 'run_command' ? z.object({ command: z.string() }).safeParse(input).data?.command : undefined;
  if (command === undefined) return 'Interrupted: the worker died while it ran. Check the state before you repeat it.';
  return (
    `Interrupted: the worker died while this command ran: ${cutMiddle(command, SHOWN_COMMAND_CHARS_MAX)}\n` +
    'Perhaps the command itself ended it, for example by taking all memory or killing processes that it did not start. ' +
    'Check the state, and do not repeat it unchanged.'
  );
}
