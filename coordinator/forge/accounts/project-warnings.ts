import { newId } from '../../../protocol/ids.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { ProjectWarning, ProjectWarningCode } from '../../../protocol/project-saved.ts';
import { within } from '../../base/deadline.ts';
import { warning, type ForgeRepository, type ForgeWarnings, type Switches } from '../../domain/forge-repository.ts';
import { branchPrefix } from '../../domain/task.ts';
import type { Db } from '../../sqlite/database.ts';
import { listLinkedAccounts } from '../../sqlite/linked-accounts.ts';
import type { ForgeAccess } from '../forge-access.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import { renewing } from '../other-token.ts';
import type { Forges, KnownForge } from './forges.ts';

type Dependencies = { db: Db; forges: Forges; access: Pick<ForgeAccess, 'forApp'> };

/** How long a person waits for the forge when they save a project. */
const ASK_MS = 10_000;
/** The rule that asks for signed commits, as GitHub names it. */
const SIGNATURES = 'required_signatures';

/** Says which settings of a project cannot work at its forge, as things are there now. */
export class ProjectWarnings implements ForgeWarnings {
  readonly #deps: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  async aboutSwitches(
    user_id: string,
    { repo_url, credential, mentions, follow_up }: ForgeRepository & Switches,
  ): Promise<ProjectWarning[]> {
    if (!mentions && !follow_up) return [];
    const forge = this.#deps.forges.at(repo_url)?.forge;
    const { host } = new URL(repo_url);
    if (!forge) return [unknownWarning(host, { mentions, follow_up })];
    const unlinked = mentions && !this.#hasLinked(user_id, forge);
    const warnings = unlinked ? [linkWarning(forge)] : [];
    // To link an account gives a token, too.
    const is_said = unlinked && (canLink(forge) || !follow_up);
    if (is_said || credential || (await this.#mayHaveApp(repo_url))) return warnings;
    return [...warnings, tokenWarning(forge, { mentions: mentions && !unlinked, follow_up })];
  }

  async aboutBranches({ repo_url, credential }: ForgeRepository): Promise<ProjectWarning[]> {
    const found = this.#deps.forges.at(repo_url);
    if (!found || !credential) return [];
    const { forge, repository } = found;
    const open = { client: forge.client, repository, token: credential.password, as: 'person' as const };
    const { client, token } = renewing(open, credential);
    const access = { token, signal: AbortSignal.timeout(ASK_MS) };
    const branch = `${branchPrefix(newId())}check`;
    const rules = (await client.forbiddingRules(access, repository, branch).catch(ignoreForge)) ?? [];
    if (rules.length === 0) return [];
    return [rulesWarning(forge, rules)];
  }

  #hasLinked(user_id: string, { origin }: KnownForge): boolean {
    return listLinkedAccounts(this.#deps.db, user_id).some(({ issuer }) => issuer === origin);
  }

  /** Whether the server's own app is at the repository; true also where the forge does not say now. */
  async #mayHaveApp(repo_url: string): Promise<boolean> {
    const found = this.#deps.access.forApp(repo_url).then((app) => app !== undefined, ignoreForge);
    return (await within(ASK_MS, found)) ?? true;
  }
}

function canLink({ client_id }: KnownForge): boolean {
  return client_id !== undefined;
}

function rulesWarning({ name }: KnownForge, rules: readonly string[]): ProjectWarning {
  const is_signed = rules.includes(SIGNATURES);
  const named = rules.join(', ');
  const why = is_signed
    ? 'asks for signed commits on the branches of errands, which theirs are not'
    : `restricts pushes to the branches of errands (${named})`;
  return warning(
    is_signed ? 'signed_commits' : 'push_restricted',
    { forge: name, rules: named },
    `A ruleset at ${name} ${why}: unless you may bypass it, their work cannot be pushed. Exclude errand/* there.`,
  );
}

function unknownWarning(host: string, switches: Switches): ProjectWarning {
  return warning(
    'unknown_forge',
    { forge: host, heard: heardOf(switches) },
    `This server knows no forge at ${host}: no ${HEARD[heardOf(switches)]} there reach it.`,
  );
}

function linkWarning(forge: KnownForge): ProjectWarning {
  const params = { forge: forge.name };
  return canLink(forge)
    ? warning('link_account', params, `Link your account at ${forge.name}: without it, nobody's @errand counts.`)
    : warning(
        'link_impossible',
        params,
        `Nobody's @errand counts before your account at ${forge.name} is linked, and nobody can link one until the owner of the server registers it there.`,
      );
}

function tokenWarning(forge: KnownForge, switches: Switches): ProjectWarning {
  const code = !canLink(forge) ? 'no_token' : forge.app_id === undefined ? 'no_token_link' : 'no_token_app';
  return warning(
    code,
    { forge: forge.name, heard: heardOf(switches) },
    `The server has no token for ${forge.name}, so it sees no ${HEARD[heardOf(switches)]} there: ${WAYS[code]}.`,
  );
}

const WAYS = {
  no_token: 'give the project a token',
  no_token_link: 'link your account, or give the project a token',
  no_token_app: 'install its app at the repository, link your account, or give the project a token',
} satisfies Partial<Record<ProjectWarningCode, string>>;

const HEARD = { mentions: 'mentions', follow_up: 'reviews or checks', both: 'mentions, reviews or checks' };

function heardOf({ mentions, follow_up }: Switches): keyof typeof HEARD {
  if (!follow_up) return 'mentions';
  return mentions ? 'both' : 'follow_up';
}

/** What the forge does not say now is no warning. */
function ignoreForge(error: unknown): undefined {
  const is_away = error instanceof ErrandError && error.code === 'upstream_unreachable';
  if (!(error instanceof ForgeApiError) && !is_away) throw error;
}
