import { ForgeAccounts } from '../forge/accounts/forge-accounts.ts';
import { Pulls } from '../forge/pulls/pulls.ts';
import type { Core, Opened } from './core.ts';

/** The parts that both workers and people need. */
export type Shared = { core: Core; forge_accounts: ForgeAccounts };

/** The forges, people's access to them, and the pull requests there. */
export function openForges(core: Core, opened: Opened): ForgeAccounts {
  const forge_accounts = new ForgeAccounts(core);
  forge_accounts.start();
  opened.defer(() => forge_accounts.stop());
  const pulls = new Pulls({ ...core, access: forge_accounts.access });
  pulls.start();
  opened.defer(() => pulls.stop());
  return forge_accounts;
}
