import { ForgeKind } from '../../../protocol/forges.ts';
import type { Config } from '../../base/config.ts';
import type { ForgeDriver } from '../forge-driver.ts';
import { gitea } from '../gitea/driver.ts';
import { github } from '../github/driver.ts';

/** Each kind of forge, and what Errand must know of it. */
export const DRIVERS: Record<ForgeKind, ForgeDriver> = { github, gitea };

/** The origins of the settings at which the owner can make an app: the page's forms may go there. */
export function appOrigins(config: Pick<Config, ForgeKind>): string[] {
  const origins = ForgeKind.options.map((kind) => DRIVERS[kind].apps && config[kind]?.origin);
  return origins.filter((origin) => origin !== undefined);
}
