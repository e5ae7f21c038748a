import type { LinkedAccount } from '../../../protocol/forges.ts';
import type { Keys } from '../../base/keys.ts';
import { openGrant } from '../../auth/linked-tokens.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { listLinkedAccounts, type LinkedAccountRow } from '../../sqlite/linked-accounts.ts';
import type { Forges } from './forges.ts';
import { OIDC_WAY } from './identity-provider.ts';

type Dependencies = { log: EventLog; keys: Keys; forges: Forges };

/** People's linked accounts, as they see them. */
export class LinkedAccounts {
  readonly #deps: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  list(user_id: string): LinkedAccount[] {
    return listLinkedAccounts(this.#deps.log.db, user_id).map((row) => this.view(row));
  }

  view(row: LinkedAccountRow): LinkedAccount {
    const { id, forge_id, issuer, login, created_at } = row;
    const { forges } = this.#deps;
    const forge = forge_id === null ? undefined : forges.find(forge_id);
    const name = new URL(issuer).host;
    return {
      id,
      way: forge_id ?? OIDC_WAY,
      kind: forge?.kind ?? 'oidc',
      name,
      login,
      created_at,
      install_url: forge ? forges.view(forge).install_url : null,
      fault: forge_id === null || openGrant(this.#deps.keys, row) ? null : brokenText(name),
    };
  }
}

/** What to tell a person whose linked account does not work any more. */
export function brokenText(name: string): string {
  return `${name} does not accept this link any more: it was revoked there, or has expired. Link the account again.`;
}
