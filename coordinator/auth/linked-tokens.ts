import { z } from 'zod';
import type { Keys } from '../base/keys.ts';
import { seal, unseal } from '../base/seal.ts';
import type { LinkedAccountRow } from '../sqlite/linked-accounts.ts';

/** What a forge gave for one person. `expires_at`: of the access token, ISO; null: it does not expire. */
export type Grant = { access_token: string; refresh_token: string | null; expires_at: string | null };

const Tokens = z.object({ access_token: z.string(), refresh_token: z.string().nullable() });
const contextOf = (id: string): string => `linked account:${id}`;

/** The columns in which a linked account keeps its tokens. */
export function sealGrant(
  keys: Keys,
  id: string,
  grant: Grant | null,
): Pick<LinkedAccountRow, 'tokens' | 'expires_at'> {
  if (!grant) return { tokens: null, expires_at: null };
  const { expires_at, ...tokens } = grant;
  return { tokens: seal(keys, JSON.stringify(tokens), contextOf(id)), expires_at };
}

/** Undefined: there are no tokens, or they were sealed with other keys than the server has. */
export function openGrant(
  keys: Keys,
  { id, tokens, expires_at }: Pick<LinkedAccountRow, 'id' | 'tokens' | 'expires_at'>,
): Grant | undefined {
  if (tokens === null) return undefined;
  try {
    return { ...Tokens.parse(JSON.parse(unseal(keys, tokens, contextOf(id)))), expires_at };
  } catch {
    return undefined;
  }
}
