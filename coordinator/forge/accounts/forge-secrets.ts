import { z } from 'zod';
import type { Keys } from '../../base/keys.ts';
import { seal, unseal } from '../../base/seal.ts';

/** What the server's app at a forge keeps secret. */
const Secrets = z.object({
  client_secret: z.string().optional(),
  /** In PEM. */
  private_key: z.string().optional(),
  webhook_secret: z.string().optional(),
});
export type ForgeSecrets = z.infer<typeof Secrets>;

export const NO_SECRETS: ForgeSecrets = {};
const contextOf = (forge_id: string): string => `forge:${forge_id}`;

export function sealForgeSecrets(keys: Keys, forge_id: string, secrets: ForgeSecrets): string {
  return seal(keys, JSON.stringify(secrets), contextOf(forge_id));
}

/** Undefined: they were sealed with other keys than the server has. The owner then makes the app anew. */
export function openForgeSecrets(
  keys: Keys,
  { id, secrets }: { id: string; secrets: string },
): ForgeSecrets | undefined {
  try {
    return Secrets.parse(JSON.parse(unseal(keys, secrets, contextOf(id))));
  } catch {
    return undefined;
  }
}
