import { OUTCOME_LINE } from '../../../protocol/closing-text.ts';
import { withoutEnd } from '../forge-text.ts';

/** What an errand says of one numbered comment: whether it has changed what was asked for, and a sentence. */
export type Outcome = { fixed: boolean; text: string };

/** Reads the lines such as `[1] fixed: …` of an errand's last answer, by number. Others are no outcome. */
export function outcomesOf(summary: string): Map<number, Outcome> {
  const outcomes = new Map<number, Outcome>();
  for (const line of summary.split('\n')) {
    const [, n, verdict = '', text = ''] = OUTCOME_LINE.exec(line) ?? [];
    if (n === undefined) continue;
    const fixed = !/^(?:not|un)/i.test(verdict);
    outcomes.set(Number(n), { fixed, text: withoutEnd(text, /[`\s]/) });
  }
  return outcomes;
}
