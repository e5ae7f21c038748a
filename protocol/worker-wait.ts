import { z } from 'zod';
import { Time } from './ids.ts';
import { LIMITS } from './limits.ts';

const silent_since = Time.optional().describe(
  'since when the model or the command sends nothing; absent while it sends something',
);

/** What a worker waits for, by itself. `WaitingFor` has these kinds too, beside those of the coordinator. */
export const WorkerWait = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('repository'), since: Time }),
  z.strictObject({ kind: z.literal('model'), since: Time, silent_since }),
  z.strictObject({
    kind: z.literal('command'),
    since: Time,
    command: z.string().max(LIMITS.command_chars_max).describe('its beginning, as people are shown it'),
    until: Time.optional(),
    silent_since,
  }),
  z.strictObject({ kind: z.literal('limit'), since: Time, until: Time, reason: z.string().max(2000) }),
  z.strictObject({ kind: z.literal('person'), since: Time, question: z.string().max(4000), until: Time.optional() }),
]);
export type WorkerWait = z.infer<typeof WorkerWait>;
