/** The credential for HTTP basic authentication at a forge; `password` is usually a token. */
export type ForgeCredential = { username: string; password: string };

/** A repository on a forge and its credential; undefined: the repository is public. */
export type ForgeRepository = { repo_url: string; credential: ForgeCredential | undefined };

/** Asks forges about repositories before anything relies on them. */
export type RepositoryCheck = {
  /**
   * Asks whether the repository can be read with its credential. Resolves to warnings for its owner: it cannot be pushed to, for example. Rejects with `invalid` if
   * the address or the credential is wrong, with `upstream_unreachable` if the forge does not answer now (`errors` names the field), and with
   * `rate_limited` if the user has too many such checks open.
   */
  check: (user_id: string, repository: ForgeRepository) => Promise<string[]>;
  /** Rejects with `invalid` if the host of this address is known not to exist, or has a private address. It asks the name server alone, and briefly. */
  checkHost: (repo_url: string) => Promise<void>;
};
