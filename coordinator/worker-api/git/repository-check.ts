import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError, wrongField, type ErrorCode } from '../../../protocol/problem.ts';
import type { ProjectWarning } from '../../../protocol/project-saved.ts';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { within } from '../../base/deadline.ts';
import {
  AddressError,
  addressGuard,
  type AddressGuard,
  type AskOwnAddresses,
  type Resolve,
} from '../../base/address-guard.ts';
import { hasProxy, NO_PROXY, type OutgoingProxy } from '../../base/outgoing.ts';
import { warning, type ForgeRepository, type RepositoryCheck } from '../../domain/forge-repository.ts';
import { ConcurrencyLimit } from '../concurrency-limit.ts';
import { NewestOnly } from '../newest-only.ts';
import type { GitService } from './backend.ts';
import { ForgeError, type ForgeFault } from './forge-error.ts';
import { Forge, FORGE_PORTS } from './forge.ts';

type Dependencies = {
  private_hosts: string[];
  proxy?: OutgoingProxy;
  /** By default those of the machine's interfaces. */
  ownAddresses?: AskOwnAddresses;
  /** For tests. The defaults use the real network and the limits of the protocol. */
  resolve?: Resolve;
  check_ms?: number;
  host_check_ms?: number;
};

/** How long to wait for a name server. Where it takes longer, the task's worker finds out whether the host exists. */
const HOST_CHECK_MS = 3_000;
/** The names of hosts of one user that are looked up at once, for new tasks and schedules. */
export const LOOKUPS_AT_ONCE_MAX = 16;

/** Asks forges about repositories as `git ls-remote` does. It uses the same address guard as the workers' git. */
export class ForgeCheck implements RepositoryCheck {
  readonly #guard: AddressGuard;
  readonly #forge: Forge;
  readonly #has_proxy: boolean;
  readonly #check_ms: number;
  readonly #host_check_ms: number;
  /** The answer to an older check may be lost already, with the connection that asked for it. */
  readonly #newest = new NewestOnly(
    LIMITS.repository_checks_at_once_max,
    'Too many of your repositories are being checked at once: newer checks took the place of this one.',
  );

  readonly #lookups = new ConcurrencyLimit(LOOKUPS_AT_ONCE_MAX, 'Too many hosts are being looked up for you at once.');

  constructor({
    private_hosts,
    resolve,
    ownAddresses,
    proxy = NO_PROXY,
    check_ms = LIMITS.repository_check_ms,
    host_check_ms = HOST_CHECK_MS,
  }: Dependencies) {
    this.#guard = addressGuard(private_hosts, resolve, { ports: FORGE_PORTS, ownAddresses });
    this.#forge = new Forge({ private_hosts, resolve, ownAddresses, proxy });
    this.#has_proxy = hasProxy(proxy);
    this.#check_ms = check_ms;
    this.#host_check_ms = host_check_ms;
  }

  async check(user_id: string, repository: ForgeRepository): Promise<ProjectWarning[]> {
    if (repository.repo_url === SAMPLE_REPO_URL) return [];
    return this.#newest.run(user_id, async (newer) => {
      const signal = AbortSignal.any([newer, AbortSignal.timeout(this.#check_ms)]);
      await this.#ask(repository, 'git-upload-pack', signal).catch((error: unknown) => {
        throw problemOf(error, repository);
      });
      return await this.#ask(repository, 'git-receive-pack', signal).then(
        () => [],
        (error: unknown) => [pushWarning(error, repository)],
      );
    });
  }

  async checkHost(user_id: string, repo_url: string): Promise<void> {
    if (repo_url === SAMPLE_REPO_URL) return;
    const { protocol, hostname, port } = new URL(repo_url);
    const port_number = Number(port) || (protocol === 'https:' ? 443 : 80);
    // The slot is taken until the name server has answered, however long anybody waits for it.
    const resolved = this.#lookups.run(user_id, () => this.#guard(hostname, port_number));
    try {
      await within(this.#host_check_ms, resolved);
    } catch (error) {
      // Without a slot, the worker finds out too.
      if (!(error instanceof AddressError) || error.fault === 'unresolved') return;
      // The proxy may know the name.
      if (this.#has_proxy && error.fault === 'unknown_name') return;
      const fault = error.fault === 'unknown_name' ? 'unknown_host' : error.fault;
      throw fieldError('invalid', '/repo_url', repo_url, fault, error.message, error);
    }
  }

  /** Asks for the list of refs, but does not read it: the status of the response is enough. */
  async #ask(repository: ForgeRepository, service: GitService, signal: AbortSignal): Promise<void> {
    const { body } = await this.#forge.ask(repository, { service, headers: {}, signal }).catch((cause: unknown) => {
      if (cause instanceof ForgeError || !signal.aborted) throw cause;
      if (signal.reason instanceof ErrandError) throw signal.reason;
      const { host } = new URL(repository.repo_url);
      throw new ForgeError('unreachable', `${host} did not answer within ${this.#check_ms / 1000} seconds.`, { cause });
    });
    body.on('error', () => undefined).destroy();
  }
}

/** `invalid`: the user can correct it; `upstream_unreachable`: the forge may work later. */
const CODE: Record<ForgeFault, 'invalid' | 'upstream_unreachable'> = {
  unknown_host: 'invalid',
  private_address: 'invalid',
  no_repository: 'invalid',
  moved: 'invalid',
  not_git: 'invalid',
  credential_missing: 'invalid',
  credential_refused: 'invalid',
  not_allowed: 'invalid',
  tls: 'upstream_unreachable',
  unresolved: 'upstream_unreachable',
  unreachable: 'upstream_unreachable',
  rate_limited: 'upstream_unreachable',
  failed: 'upstream_unreachable',
  too_large: 'upstream_unreachable',
};

function problemOf(error: unknown, repository: ForgeRepository): unknown {
  if (!(error instanceof ForgeError)) return error;
  const { fault, message } = error;
  const about_token =
    fault === 'credential_refused' || (fault === 'not_allowed' && repository.credential !== undefined);
  const text = [message, adviceFor(fault, repository)].filter(Boolean).join(' ');
  return fieldError(CODE[fault], about_token ? '/git_token' : '/repo_url', repository.repo_url, fault, text, error);
}

/** What the person can do about it; undefined where the error message says so already. */
function adviceFor(fault: ForgeFault, { repo_url }: ForgeRepository): string | undefined {
  switch (fault) {
    case 'unknown_host':
      return 'Check the spelling of the address.';
    case 'not_git':
      return `Give the address that git clone takes, such as ${new URL(repo_url).origin}/owner/name.`;
    case 'tls':
      return 'The server needs a certificate for this name that is valid and known to the machine Errand runs on.';
    case 'unresolved':
    case 'unreachable':
    case 'rate_limited':
    case 'failed':
    case 'too_large':
      return 'With "check": false the project is saved without asking.';
    case 'private_address':
    case 'moved':
    case 'credential_missing':
    case 'credential_refused':
    case 'not_allowed':
    case 'no_repository':
      return undefined;
  }
}

/** The warning about a repository that can be read but perhaps not pushed to. */
function pushWarning(error: unknown, { repo_url, credential }: ForgeRepository): ProjectWarning {
  if (!(error instanceof ForgeError)) throw error;
  const { message: why } = error;
  switch (CODE[error.fault]) {
    case 'invalid':
      return credential
        ? warning(
            'push_refused',
            { repo_url },
            `Errand can read ${repo_url}, but the git_token may not push to it: errands will fail when they push their branch. Give a git_token that may write.`,
          )
        : warning(
            'push_needs_token',
            { repo_url },
            `Errand can read ${repo_url}, but not push to it without a git_token: errands will fail when they push their branch.`,
          );
    case 'upstream_unreachable':
      return warning(
        'push_unknown',
        { repo_url, why },
        `Errand can read ${repo_url}, but could not find out whether it may push to it: ${why}`,
      );
  }
}

function fieldError(
  code: ErrorCode,
  field: string,
  repo_url: string,
  fault: ForgeFault,
  message: string,
  cause: unknown,
): ErrandError {
  const why = { reason: `repository_${fault}`, params: { host: new URL(repo_url).host, repo_url } } as const;
  return new ErrandError(code, message, { errors: [wrongField(field, message, why)], cause });
}
