/**
 * The credential for HTTP basic authentication at a forge; `password` is usually a token. `renew`, where there is one: the
 * forge has refused it; resolves with another one, or with words why there is none.
 */
export type ForgeCredential = {
  username: string;
  password: string;
  renew?: () => Promise<{ password: string } | { fault: string }>;
};

/** A repository on a forge and its credential; undefined: the repository is public. */
export type ForgeRepository = { repo_url: string; credential: ForgeCredential | undefined };

/** Asks forges about repositories before anything relies on them. */
export type RepositoryCheck = {
  /**
   * Checks that the repository can be read with its credential. Resolves to warnings for its owner, such as that it
   * cannot be pushed to. Rejects with `invalid` if the address or credential is wrong, with `upstream_unreachable` if
   * the forge does not answer now (`errors` names the field), and with `rate_limited` if the user has too many checks
   * open.
   */
  check: (user_id: string, repository: ForgeRepository) => Promise<string[]>;
  /**
   * Rejects with `invalid` if the host of this address does not exist or has a private address. It only resolves the
   * name, within a short time.
   */
  checkHost: (repo_url: string) => Promise<void>;
};
