import type { ForgeCredential } from '../../../coordinator/domain/forge-repository.ts';

/** The options with the credential of a private repository, for `parseArgs`. */
export const CREDENTIAL_OPTIONS = {
  'git-token': { type: 'string' },
  'git-username': { type: 'string', default: 'x-access-token' },
} as const;

export const CREDENTIAL_USAGE = `  --git-token TOKEN      for a private repository; ERRAND_GIT_TOKEN does the same, and no list of processes shows it
  --git-username NAME    the user that goes with the token (x-access-token)
`;

/** The credential of the repository, by the options and the environment; undefined: none. */
export function readCredential(
  values: { 'git-token'?: string; 'git-username': string },
  env: NodeJS.ProcessEnv,
): ForgeCredential | undefined {
  const password = values['git-token'] ?? env.ERRAND_GIT_TOKEN;
  return password ? { username: values['git-username'], password } : undefined;
}
