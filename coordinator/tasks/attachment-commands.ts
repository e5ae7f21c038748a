import type { Attachment } from '../../protocol/attachments.ts';
import { cleanName, sniff } from '../../protocol/file-kind.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import {
  attachmentView,
  bindAttachment,
  findAttachment,
  insertAttachment,
  listAttachments,
  measureAttachments,
} from '../sqlite/attachments.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { noRoom, type AttachmentFiles } from './attachment-files.ts';

type Upload = {
  user_id: string;
  id: string;
  name: string;
  source: AsyncIterable<Uint8Array>;
  /** Throws if the person has logged out, or the account was deleted, while the file came. */
  requireLiving: () => void;
};

/**
 * Stores an upload. The same upload again changes nothing. Rejects with `conflict` if the person has another file
 * under this id, with `too_large` above the limits of a file or a person, and as `AttachmentFiles.write` and
 * `requireLiving` do.
 */
export async function storeUpload(log: EventLog, files: AttachmentFiles, upload: Upload): Promise<Attachment> {
  const { user_id, id, source } = upload;
  const before = findAttachment(log.db, user_id, id);
  const { bytes, unsent } = measureAttachments(log.db, user_id);
  const room = LIMITS.attachment_bytes_per_user_max - bytes + (before?.bytes ?? 0);
  if (!before && unsent >= LIMITS.attachments_unsent_max) throw tooManyUnsent();
  const written = await files.write(user_id, id, source, Math.min(LIMITS.attachment_bytes_max, Math.max(0, room)));
  try {
    upload.requireLiving();
    if (written.bytes === 0) throw new ErrandError('invalid', 'The file is empty.');
    const { sha256 } = written;
    // A file that was lost, such as by a restore, is there again.
    if (!before || before.sha256 === sha256) await written.keep();
    return log.write((tx) => {
      const created_at = new Date().toISOString();
      const row = { user_id, id, name: cleanName(upload.name), bytes: written.bytes, sha256, created_at };
      insertAttachment(tx.db, { ...row, ...sniff(written.head) });
      // Several may have come at once.
      const now = measureAttachments(tx.db, user_id);
      if (now.bytes > LIMITS.attachment_bytes_per_user_max) throw noRoom();
      if (now.unsent > LIMITS.attachments_unsent_max) throw tooManyUnsent();
      const stored = findAttachment(tx.db, user_id, id);
      if (stored?.sha256 !== sha256)
        throw new ErrandError('conflict', 'Another file was uploaded under this id: use a new id.');
      return attachmentView(stored);
    });
  } finally {
    await written.drop();
  }
}

/**
 * Gives uploads to a task: to its prompt, or to a message. Throws `invalid` for one that is not there or was sent
 * already, and `too_large` above the limits of a task.
 */
export function attach(
  tx: Tx,
  owner: { user_id: string; task_id: string; message_id: string | null },
  ids: readonly string[],
): Attachment[] {
  for (const [i, id] of ids.entries()) {
    if (bindAttachment(tx.db, { ...owner, id })) continue;
    const message = 'is no upload of yours, or was sent already';
    throw new ErrandError('invalid', `The upload ${id} ${message}.`, {
      errors: [{ field: `/attachments/${i}`, message }],
    });
  }
  const all = listAttachments(tx.db, owner.task_id);
  const bytes = all.reduce((sum, each) => sum + each.bytes, 0);
  if (ids.length > 0 && all.length > LIMITS.attachments_per_task_max)
    throw tooMuch(`at most ${LIMITS.attachments_per_task_max} files`);
  if (ids.length > 0 && bytes > LIMITS.attachment_bytes_per_task_max)
    throw tooMuch(`${LIMITS.attachment_bytes_per_task_max / 1024 / 1024} MB of files at most`);
  return ids.flatMap((id) => all.find((each) => each.id === id) ?? []).map(attachmentView);
}

const tooManyUnsent = () =>
  new ErrandError('conflict', 'Too many of your uploads were never sent: send some of them, or wait a week.');

const tooMuch = (most: string) =>
  new ErrandError('too_large', `An errand takes ${most}.`, {
    errors: [{ field: '/attachments', message: `are too many: an errand takes ${most}` }],
  });
