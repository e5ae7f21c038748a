import { ErrandError } from '../../protocol/problem.ts';
import type { TokenScope } from '../../protocol/tokens.ts';
import type { Identity } from '../auth/identity.ts';

/** Throws `forbidden` for an API token without the scope. Undefined: no API token may do this. */
export function requireScope({ scopes }: Identity, scope: TokenScope | undefined): void {
  if (scopes === undefined || (scope !== undefined && scopes.includes(scope))) return;
  const need = scope === undefined ? 'Only a person who has logged in may do this' : `This needs the scope '${scope}'`;
  throw new ErrandError('forbidden', `${need}: the API token may not.`);
}
