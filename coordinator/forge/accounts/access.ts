import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Config } from '../../base/config.ts';
import type { Keys } from '../../base/keys.ts';
import type { ForgeCredential } from '../../domain/forge-repository.ts';
import type { Db } from '../../sqlite/database.ts';
import { listLinkedAccounts } from '../../sqlite/linked-accounts.ts';
import { gitCredential } from '../../tasks/forge-credential.ts';
import { readTaskSecrets, type ProjectSecrets } from '../../tasks/secrets.ts';
import type { RepositoryName } from '../forge.ts';
import { isDenied } from '../forge-api-error.ts';
import type { ForgeAccess, OpenForge } from '../forge-access.ts';
import { orElse, renewing } from '../other-token.ts';
import type { Forges, KnownForge } from './forges.ts';
import type { InstallationTokens } from './installation-tokens.ts';
import { brokenText } from './linked-accounts.ts';
import type { UserTokens } from './user-tokens.ts';

type Dependencies = {
  db: Db;
  keys: Keys;
  config: Pick<Config, 'git_token' | 'git_token_users' | 'git_host'>;
  forges: Forges;
  user_tokens: UserTokens;
  installation_tokens: InstallationTokens;
};

/** What git sends beside a token. */
const TOKEN_USERNAME = 'x-access-token';

/** Finds the token for a repository: calls of the API have the one that git uses. */
export class Access implements ForgeAccess {
  readonly #deps: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  async forPerson(
    { user_id, project_id }: { user_id: string; project_id: string | null },
    repo_url: string,
  ): Promise<OpenForge | undefined> {
    const { db, keys, config, forges } = this.#deps;
    const found = forges.at(repo_url);
    if (!found) return undefined;
    const secrets = readTaskSecrets(db, keys, { project_id, repo_url });
    const openWith = async (given: Pick<ProjectSecrets, 'git_token' | 'git_username'>) => {
      const credential = await gitCredential({ db, config, linked: this }, user_id, repo_url, given).catch(
        noneIfBroken,
      );
      return credential && renewing(openForge(found, credential.password, 'person'), credential);
    };
    const open = await openWith(secrets);
    if (!open || secrets.git_token === null) return open;
    // A project's token may be for git alone.
    return orElse(open, () => openWith({ git_token: null, git_username: null }));
  }

  async forApp(repo_url: string): Promise<OpenForge | undefined> {
    const found = this.#deps.forges.at(repo_url);
    if (!found) return undefined;
    const { forge, repository } = found;
    if (forge.bot_token !== undefined) return openForge(found, forge.bot_token, 'app');
    const { installation_tokens } = this.#deps;
    const token = await installation_tokens.read(forge, repository);
    if (token === undefined) return undefined;
    const renew = async (refused: string) => {
      const password = await installation_tokens.refused(forge, repository, refused);
      return password === undefined ? { fault: `The app is not installed at ${repo_url} any more.` } : { password };
    };
    return renewing(openForge(found, token, 'app'), { renew });
  }

  /**
   * What git uses for a person at a repository: the token of their linked account. Where the server's own token serves
   * them too (`fallback`), the linked account is used only if it may push there. Rejects with `forbidden` where there
   * is only a link that the forge does not accept any more.
   */
  async gitCredential(
    user_id: string,
    repo_url: string,
    fallback: ForgeCredential | undefined,
  ): Promise<ForgeCredential | undefined> {
    const { forges, user_tokens } = this.#deps;
    const found = forges.at(repo_url);
    if (!found) return fallback;
    const link = this.#linkOf(user_id, found.forge);
    if (link === undefined) return fallback;
    const token = await user_tokens.read(link).catch((error: unknown) => {
      if (!fallback) throw error;
    });
    if (token === undefined) {
      if (fallback) return fallback;
      throw new ErrandError('forbidden', brokenText(found.forge.name));
    }
    if (fallback && !(await mayPush(found, token))) return fallback;
    const renew = async (refused: string) => {
      const password = await user_tokens.refused(link, refused);
      return password === undefined ? { fault: brokenText(found.forge.name) } : { password };
    };
    return { username: TOKEN_USERNAME, password: token, renew, hint: this.#hint(found.forge) };
  }

  commitEmail(user_id: string, repo_url: string): string | undefined {
    const { db, forges } = this.#deps;
    const forge = forges.at(repo_url)?.forge;
    const account = forge && listLinkedAccounts(db, user_id).findLast(({ forge_id }) => forge_id === forge.id);
    return account && forge?.driver.commitEmail?.(forge.origin, { id: account.subject, login: account.login });
  }

  /** A person may have linked their account, and not let the app into a repository. */
  #hint(forge: KnownForge): string | undefined {
    const { install_url } = this.#deps.forges.view(forge);
    if (install_url === null) return undefined;
    return `A linked account sees the repositories at which the app is installed: install it at ${install_url}`;
  }

  /** The newest of those that work, else the newest. */
  #linkOf(user_id: string, forge: KnownForge): string | undefined {
    const links = listLinkedAccounts(this.#deps.db, user_id).filter(({ forge_id }) => forge_id === forge.id);
    return (links.findLast(({ tokens }) => tokens !== null) ?? links.at(-1))?.id;
  }
}

/** A link that its forge does not accept any more is as good as none. */
function noneIfBroken(error: unknown): undefined {
  if (!(error instanceof ErrandError && error.code === 'forbidden')) throw error;
}

function openForge(
  { forge, repository }: { forge: KnownForge; repository: RepositoryName },
  token: string,
  as: OpenForge['as'],
): OpenForge {
  return { client: forge.client, repository, token, as };
}

/** True also if the forge does not say: git will. */
async function mayPush(
  { forge, repository }: { forge: KnownForge; repository: RepositoryName },
  token: string,
): Promise<boolean> {
  const signal = AbortSignal.timeout(LIMITS.forge_answer_ms);
  try {
    const { permission } = await forge.client.repository({ token, signal }, repository);
    return permission === 'write' || permission === 'admin';
  } catch (error) {
    return !isDenied(error);
  }
}
