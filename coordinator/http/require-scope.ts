import { ErrandError } from '../../protocol/problem.ts';
import type { TokenScope } from '../../protocol/tokens.ts';
import type { Identity } from '../auth/identity.ts';

/**
 * Throws `forbidden` for an API token without the scope. Undefined: no API token may do this. `what`: what needs it, as
 * the beginning of a sentence.
 */
export function requireScope({ scopes }: Identity, scope: TokenScope | undefined, what = 'This'): void {
  if (scopes === undefined || (scope !== undefined && scopes.includes(scope))) return;
  const need =
    scope === undefined ? 'Only a person who has logged in may do this' : `${what} needs the scope '${scope}'`;
  throw new ErrandError('forbidden', `${need}: the API token may not.`);
}
