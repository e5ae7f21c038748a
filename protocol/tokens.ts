import { z } from 'zod';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';

/* The bodies of the routes for API tokens: for scripts, which cannot log in. */

/**
 * What a token may do: read the tasks, projects and schedules of its account (`read`); send, steer and delete tasks
 * (`tasks`); make, change and delete projects (`projects`). None includes another: an errand that makes a project, and
 * a decision that changes one, need both. `x-token-scope` in openapi.json has the scope of each route. No token may
 * see or change log-ins, channels or tokens.
 */
export const TokenScope = z.enum(['read', 'tasks', 'projects']);
export type TokenScope = z.infer<typeof TokenScope>;

/** How every token begins, so that secret scanners and people recognise one. */
export const API_TOKEN_PREFIX = 'errand_';

/** Makes a token. */
export const TokenCreate = z.strictObject({
  name: z.string().trim().min(1, 'is empty').max(100),
  scopes: z.array(TokenScope).min(1, 'is empty').max(TokenScope.options.length),
  expires_in_days: z.number().int().positive().max(LIMITS.api_token_days_max),
});
export type TokenCreate = z.infer<typeof TokenCreate>;

/** A token of the caller. `last_used_at` is exact to ten minutes; null: it was never used. */
export const TokenInfo = z.object({
  id: Id,
  name: z.string(),
  scopes: z.array(TokenScope),
  created_at: Time,
  expires_at: Time,
  last_used_at: Time.nullable(),
});
export type TokenInfo = z.infer<typeof TokenInfo>;
/** A new token. `token` is never shown again. */
export const TokenCreated = TokenInfo.extend({ token: z.string() });
export type TokenCreated = z.infer<typeof TokenCreated>;
/** Newest first. `next_cursor` is null at the end. */
export const TokenPage = z.object({ items: z.array(TokenInfo), next_cursor: Id.nullable() });
