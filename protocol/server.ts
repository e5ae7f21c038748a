import { z } from 'zod';
import { Time } from './ids.ts';

/* What the owner sees of the server: its state and its settings. */

const count = z.number().int().nonnegative();
const usd = z.number().nonnegative();

/** The state of the server at one time. `disk_free_bytes`: null if it could not be read. */
export const ServerSample = z.object({
  at: Time,
  queued: count,
  at_work: count,
  disk_free_bytes: count.nullable(),
});
export type ServerSample = z.infer<typeof ServerSample>;

/** What all people's requests to the model cost on one day (UTC), in US dollars. */
export const DayCost = z.object({ day: z.iso.date(), cost_usd: usd });
export type DayCost = z.infer<typeof DayCost>;

/** The state of the server now and over the last day. */
export const ServerState = z.object({
  started_at: Time,
  held: z.string().nullable().describe('why no errand is started now, in words; null: errands are started'),
  queue: z.object({ queued: count, oldest_at: Time.nullable().describe('since when the oldest of them waits') }),
  workers: z.object({ at_work: count, warm: count, max: count.describe('how many errands may run at once') }),
  disk: z.object({
    free_bytes: count.nullable(),
    free_bytes_min: count.describe('with less, no new errand is started'),
    total_bytes: count.nullable(),
    database_bytes: count,
  }),
  money: z.object({
    month_usd: usd,
    month_usd_max: usd.nullable().describe('null: there is no limit'),
    days: z.array(DayCost).describe('the last 30 days, oldest first; a day without costs has 0'),
  }),
  backup: z
    .object({ succeeded_at: Time.nullable(), failed_at: Time.nullable(), every_minutes: z.number() })
    .nullable()
    .describe('null: there are no backups'),
  samples: z.array(ServerSample).describe('every five minutes since the start, of the last day at most; oldest first'),
});
export type ServerState = z.infer<typeof ServerState>;

/**
 * One setting. `value`: as one would write it in the environment; null: it is secret, or it is not set. `source`:
 * whether it was set in the environment of the server, or is the default.
 */
export const SettingInForce = z.object({
  name: z.string(),
  group: z.string(),
  meaning: z.string(),
  value: z.string().nullable(),
  source: z.enum(['environment', 'default']),
  secret: z.boolean(),
});
export type SettingInForce = z.infer<typeof SettingInForce>;
/** All settings, in the order of the documentation. */
export const SettingList = z.object({ items: z.array(SettingInForce) });
