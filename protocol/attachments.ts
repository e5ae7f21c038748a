import { z } from 'zod';
import { Id } from './ids.ts';
import { LIMITS } from './limits.ts';

/**
 * A file or picture that a person sends with a task or a message. `media_type` is read from the bytes, whatever the
 * client said: `image/png`, `image/jpeg`, `image/gif`, `image/webp`, `application/pdf`, or `application/octet-stream`
 * for anything else. `width` and `height`: in pixels, as the picture's head says; null for what is no picture.
 */
export const Attachment = z.object({
  id: Id,
  name: z.string(),
  media_type: z.string(),
  bytes: z.number().int().nonnegative(),
  width: z.number().int().positive().nullable(),
  height: z.number().int().positive().nullable(),
});
export type Attachment = z.infer<typeof Attachment>;

/** The query of an upload. */
export const AttachmentName = z.strictObject({
  name: z.string().max(1000).default('file').describe('shown to people, and the name of the file for the agent'),
});

/** The ids of uploads that a new task or message takes with it. */
export const AttachmentIds = z
  .array(Id)
  .max(LIMITS.attachments_per_message_max)
  .refine((ids) => new Set(ids).size === ids.length, 'has an id twice')
  .describe('uploads to take with it; each upload can be sent once')
  .meta({ uniqueItems: true });
