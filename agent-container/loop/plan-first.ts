import type { Assignment } from '../../protocol/worker-schemas.ts';
import type { Transcript } from './transcript.ts';

/** What the model is told where the person wants to see a plan before anything is changed. */
export const PLAN_FIRST = `# First a plan

The person wants to see a plan before you change anything. Look around as far as the plan needs it, but change no file and install nothing. Then ask with ask_person:
- As the question, the plan in the person's language, for a phone: its first line asks whether to do it; then what you would change and where, how you would check it, and what is uncertain. At most fifteen short lines.
- As options, in the same language: "Go ahead" first, then another way or a smaller step where one is worth a choice, and "Stop here".

If they want it otherwise, look again where that needs it, and ask with the new plan. Once they tell you to go ahead, do the work as usual, and ask for no plan again, not for what they say later either, unless they want one. If they stop it, end without a change, and say so. If nothing has to be changed, as for a mere question, end with the answer and without a plan.`;

const HELD =
  'Not executed: the person wants to see a plan before anything is changed. Ask with ask_person first, as said in the ' +
  'beginning.';
const CHANGING: ReadonlySet<string> = new Set(['edit_file', 'write_file']);

/**
 * Why a call of this tool must wait for the person's word on the plan; null: it need not, once they have written
 * anything. A coordinator that knows no parked work may leave a question without an answer: nothing waits there.
 */
export function whyHeld(
  { plan_first, park_after_ms }: Pick<Assignment, 'plan_first' | 'park_after_ms'>,
  { has_heard_person }: Pick<Transcript, 'has_heard_person'>,
  tool: string,
): string | null {
  const waits = plan_first === true && park_after_ms !== undefined && !has_heard_person;
  return waits && CHANGING.has(tool) ? HELD : null;
}
