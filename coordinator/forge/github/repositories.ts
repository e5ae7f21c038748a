import { z } from 'zod';
import { answerJob } from '../answer-job.ts';
import type { Access, ForgeBranch, RepositoryName } from '../forge.ts';
import { isDenied, undefinedIf } from '../forge-api-error.ts';
import { Line } from '../forge-text.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import { NamePattern, refusesName } from './name-pattern.ts';
import { Repository } from './schemas.ts';

const HERE = 'coordinator/forge/github/repositories.ts';
export const REPOSITORY = answerJob(HERE, 'REPOSITORY', Repository);

/** `protected`: by a protection of its own, or by any ruleset, whatever that asks for. `protection`: the former. */
const Branch = z.object({
  name: Line,
  commit: z.object({ sha: Line }),
  protected: z.boolean(),
  protection: z.object({ enabled: z.boolean().optional() }).optional(),
});
export const BRANCH = answerJob(HERE, 'BRANCH', Branch);
/** `parameters`: read of a rule about names alone; absent where they are not as expected. */
const Rule = z.object({ type: z.string(), parameters: NamePattern.optional().catch(undefined) });
export const RULES = answerJob(HERE, 'RULES', z.array(Rule));

/**
 * The rules that refuse a push from outside of a pull request, whatever it brings: to ask first saves the work.
 * Signatures are among them since errands do not sign their commits. What depends on the commits, such as the pattern
 * of a message or the size of a file, is left to the push.
 */
const FORBIDDING = new Set([
  'update',
  'pull_request',
  'merge_queue',
  'required_status_checks',
  'required_deployments',
  'required_signatures',
  'workflows',
  'code_scanning',
]);

export async function findRepository(api: RestApi, access: Access, { owner, name }: RepositoryName) {
  return api.call(access, { path: pathOf('repos', owner, name) }, REPOSITORY);
}

/** A branch, and whether GitHub refuses pushes to it. */
export async function findBranch(
  api: RestApi,
  access: Access,
  repository: RepositoryName,
  branch: string,
): Promise<ForgeBranch | undefined> {
  const { owner, name } = repository;
  const found = await api.find(access, { path: pathOf('repos', owner, name, 'branches', branch) }, BRANCH);
  if (!found) return undefined;
  const is_protected = found.protected && !(await hasHarmlessRules(api, access, repository, found));
  return { name: found.name, commit: found.commit.sha, protected: is_protected };
}

/** Whether nothing but rules that let a push through protects the branch. What GitHub does not tell may forbid it. */
async function hasHarmlessRules(
  api: RestApi,
  access: Access,
  repository: RepositoryName,
  branch: z.output<typeof Branch>,
): Promise<boolean> {
  if (branch.protection?.enabled !== false) return false;
  const rules = await listRules(api, access, repository, branch.name, isForbidding).catch(undefinedIf(isDenied));
  return rules !== undefined && !rules.cut && rules.items.length > 0 && !rules.items.some(isForbidding);
}

/** Those that an errand's pushes may meet at a branch of this name, which may be new, each once. */
export async function findForbiddingRules(
  api: RestApi,
  access: Access,
  repository: RepositoryName,
  branch: string,
): Promise<string[]> {
  const { items } = await listRules(api, access, repository, branch, () => false);
  const types = items.filter((rule) => isForbiddingNew(rule, branch)).map(({ type }) => type);
  return [...new Set(types)];
}

type Rule = z.output<typeof Rule>;

function isForbiddingNew(rule: Rule, branch: string): boolean {
  const { type, parameters } = rule;
  if (type === 'branch_name_pattern') return parameters !== undefined && refusesName(parameters, branch);
  return type === 'creation' || isForbidding(rule);
}

function isForbidding({ type }: Rule): boolean {
  return FORBIDDING.has(type);
}

/** The rules of all rulesets that a branch of this name has or would have, until one `ends` the search. */
function listRules(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  branch: string,
  ends: (rule: Rule) => boolean,
) {
  const call = { path: pathOf('repos', owner, name, 'rules', 'branches', branch), query: { per_page: 100 } };
  return api.list(access, call, { page: RULES, entries: (page) => page, enough: (found) => found.some(ends) });
}
