import { z } from 'zod';
import { Effort, ImageName } from './task.ts';

/* What the server says of itself: what it offers, and whether it works. */

/** What the server offers to this person: the models, and the defaults and bounds of an errand. */
export const ServerInfo = z.object({
  models: z.array(z.string()).describe('those that errands may name'),
  images: z
    .array(ImageName)
    .optional()
    .describe('those that projects may name, beside the default. Absent: the server is older than this'),
  defaults: z.object({ model: z.string(), effort: Effort, budget_usd: z.number(), max_turns: z.number().int() }),
  bounds: z.object({
    budget_usd_max: z.number().describe('for one errand of yours'),
    max_turns_max: z.number().int(),
    text_chars_max: z.number().int().describe('of a prompt or a message'),
    request_body_bytes_max: z.number().int(),
  }),
  time_limit_ms: z.number().int().describe('how long one attempt may take'),
  demo: z.boolean().describe('the demo model answers in place of Claude'),
});
export type ServerInfo = z.infer<typeof ServerInfo>;

/** The process responds. */
export const Health = z.object({ ok: z.literal(true) });
/** Whether the server can do its work. `checks`: each check by name, with its result. */
export const Readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
});
export type Readiness = z.infer<typeof Readiness>;
