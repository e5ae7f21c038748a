import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { bodyChunks } from '../base/body-chunks.ts';
import { findAttachment } from '../sqlite/attachments.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { storeUpload } from '../tasks/attachment-commands.ts';
import type { AttachmentFiles } from '../tasks/attachment-files.ts';
import { FileAnswer } from './file-answer.ts';
import type { Handlers } from './router.ts';

/** For a phone with a weak signal: a file of the largest size at 7 kB/s, and the length of a tunnel. */
const PACE = { idle_ms: 60_000, total_ms: 3600_000 };

/** Uploads, and attachments to look at. */
export function attachmentHandlers(
  log: EventLog,
  files: AttachmentFiles,
  pace = PACE,
): Pick<Handlers, 'putAttachment' | 'getAttachment'> {
  const uploads = new Map<string, number>();
  return {
    putAttachment: async ({ who: { user_id }, params: { id }, query: { name }, request, requireLiving }) => {
      const running = uploads.get(user_id) ?? 0;
      if (running >= LIMITS.attachments_at_once_max)
        throw new ErrandError('rate_limited', 'Too many of your uploads run at once.', { retry_after_s: 2 });
      uploads.set(user_id, running + 1);
      try {
        return await storeUpload(log, files, { user_id, id, name, source: bodyChunks(request, pace), requireLiving });
      } finally {
        const left = (uploads.get(user_id) ?? 1) - 1;
        if (left === 0) uploads.delete(user_id);
        else uploads.set(user_id, left);
      }
    },
    getAttachment: async ({ who, params: { id } }) => {
      const row = findAttachment(log.db, who.user_id, id);
      if (!row) throw new ErrandError('not_found', 'There is no such attachment.');
      const { stream, bytes } = await files.read(row);
      return new FileAnswer({ id, stream, bytes, media_type: row.media_type, name: row.name });
    },
  };
}
