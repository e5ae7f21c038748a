import { z } from 'zod';

/* What forges send to the server: webhooks. */

/**
 * What became of a webhook. `stored`: it will be handled. `known`: it came before. `unused`: it is of a kind that is
 * not needed. `too_old`: it tells of something that happened too long ago.
 */
export const DeliveryReceived = z.object({ delivery: z.enum(['stored', 'known', 'unused', 'too_old']) });
export type DeliveryReceived = z.infer<typeof DeliveryReceived>;
