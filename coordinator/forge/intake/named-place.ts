import { BranchName } from '../../../protocol/task.ts';
import { withoutEnd } from '../forge-text.ts';

/** The place that a request names for its work: an open pull request, or a branch. */
export type NamedPlace = { continue_pull: number } | { work_branch: string };

const PLEASE = '(?:please |bitte )?';
const PULL = new RegExp(
  `^${PLEASE}(?:(?:go on|carry on|continue)(?: with)?|mach weiter mit|weiter mit)(?: (?:pull request|pr))? #(\\d{1,9})(?!\\d)`,
  'i',
);
const BRANCH = new RegExp(
  `^${PLEASE}(?:(?:go on|carry on|continue|work) (?:with|on) (?:the )?branch|(?:mach weiter|arbeite) (?:mit|auf) (?:dem )?branch) [\`'"]?([^\\s\`'",:]+)`,
  'i',
);

/**
 * Reads where the work is to go from the beginning of a request: `go on with #12`, `work on branch topic`. Returns
 * undefined if it names no place.
 */
export function namedPlace(request: string): NamedPlace | undefined {
  const text = request.replace(/[ \t]+/g, ' ').trimStart();
  const number = PULL.exec(text)?.[1];
  if (number !== undefined) return { continue_pull: Number(number) };
  const branch = BranchName.safeParse(withoutEnd(BRANCH.exec(text)?.[1] ?? '', /[.;!?]/));
  return branch.success ? { work_branch: branch.data } : undefined;
}
