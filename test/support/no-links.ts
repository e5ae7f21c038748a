import type { LinkedCredentials } from '../../coordinator/tasks/forge-credential.ts';

/** Nobody has linked an account. */
export const NO_LINKS: LinkedCredentials = {
  gitCredential: (_user_id, _repo_url, fallback) => Promise.resolve(fallback),
  commitEmail: () => undefined,
};
