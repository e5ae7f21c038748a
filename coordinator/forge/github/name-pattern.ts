import { runInNewContext } from 'node:vm';
import { z } from 'zod';

/** What a rule of the type `branch_name_pattern` asks of the name of a branch. */
export const NamePattern = z.object({
  operator: z.string(),
  pattern: z.string().max(1_000),
  negate: z.boolean().optional(),
});
type NamePattern = z.infer<typeof NamePattern>;

/** A stranger's expression may look at a name for longer than the universe exists. */
const MATCH_MS = 20;

/** Whether the rule refuses a branch of this name; false also where that cannot be told. */
export function refusesName({ negate = false, ...rule }: NamePattern, branch: string): boolean {
  const matches = matchesName(rule, branch);
  return matches !== undefined && matches === negate;
}

function matchesName({ operator, pattern }: NamePattern, branch: string): boolean | undefined {
  switch (operator) {
    case 'starts_with':
      return branch.startsWith(pattern);
    case 'ends_with':
      return branch.endsWith(pattern);
    case 'contains':
      return branch.includes(pattern);
    case 'regex':
      return matchesExpression(pattern, branch);
    default:
      return undefined;
  }
}

/** Undefined: it takes too long, or is written as only GitHub's engine reads it. */
function matchesExpression(pattern: string, branch: string): boolean | undefined {
  try {
    const found: unknown = runInNewContext(
      'new RegExp(pattern).test(branch)',
      { pattern, branch },
      { timeout: MATCH_MS },
    );
    return found === true;
  } catch {
    return undefined;
  }
}
