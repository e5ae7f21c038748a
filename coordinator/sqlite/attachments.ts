import type { Attachment } from '../../protocol/attachments.ts';
import { sql, type Db } from './database.ts';

/** An upload as stored. `task_id` null: it was not sent yet. `message_id` null: it came with the prompt. */
export type AttachmentRow = Attachment & {
  user_id: string;
  sha256: string;
  created_at: string;
  task_id: string | null;
  message_id: string | null;
};

/** The view of an attachment. */
export function attachmentView({ id, name, media_type, bytes, width, height }: Attachment): Attachment {
  return { id, name, media_type, bytes, width, height };
}

/** Adds an upload. False: the person has one with this id. */
export function insertAttachment(db: Db, row: Omit<AttachmentRow, 'task_id' | 'message_id'>): boolean {
  const { changes } = sql(
    db,
    `INSERT OR IGNORE INTO attachments (user_id, id, name, media_type, bytes, sha256, width, height, created_at)
     VALUES (:user_id, :id, :name, :media_type, :bytes, :sha256, :width, :height, :created_at)`,
  ).run(row);
  return changes === 1;
}

/** An upload of a person, unless its task is being deleted. */
export function findAttachment(db: Db, user_id: string, id: string): AttachmentRow | undefined {
  return sql<AttachmentRow>(
    db,
    `SELECT * FROM attachments WHERE user_id = ? AND id = ?
     AND (task_id IS NULL OR task_id NOT IN (SELECT id FROM removed))`,
  ).get(user_id, id);
}

/** The attachments of a task, in the order of their ids. */
export function listAttachments(db: Db, task_id: string): AttachmentRow[] {
  return sql<AttachmentRow>(db, 'SELECT * FROM attachments WHERE task_id = ? ORDER BY id').all(task_id);
}

/** The files of all attachments that belong to a task. */
export function listSentFiles(db: Db): Pick<AttachmentRow, 'user_id' | 'id' | 'sha256'>[] {
  return sql<AttachmentRow>(db, 'SELECT user_id, id, sha256 FROM attachments WHERE task_id IS NOT NULL').all();
}

/** Gives an upload to a task. False: it was sent already. */
export function bindAttachment(db: Db, row: Pick<AttachmentRow, 'user_id' | 'id' | 'task_id' | 'message_id'>): boolean {
  const { changes } = sql(
    db,
    `UPDATE attachments SET task_id = :task_id, message_id = :message_id
     WHERE user_id = :user_id AND id = :id AND task_id IS NULL`,
  ).run(row);
  return changes === 1;
}

/** The attachments of a withdrawn message belong to nothing again. `at`: from when on they count as unsent. */
export function unbindAttachments(db: Db, task_id: string, message_id: string, at: string): void {
  sql(
    db,
    `UPDATE attachments SET task_id = NULL, message_id = NULL, created_at = :at
     WHERE task_id = :task_id AND message_id = :message_id`,
  ).run({ task_id, message_id, at });
}

/** The size of a person's uploads in bytes, and how many were not sent. */
export function measureAttachments(db: Db, user_id: string): { bytes: number; unsent: number } {
  const found = sql<{ bytes: number; unsent: number }>(
    db,
    'SELECT coalesce(sum(bytes), 0) AS bytes, count(*) FILTER (WHERE task_id IS NULL) AS unsent FROM attachments WHERE user_id = ?',
  ).get(user_id);
  return found ?? { bytes: 0, unsent: 0 };
}

/** Deletes some uploads that were not sent before an ISO time. Returns whose files are garbage now. */
export function deleteUnsent(db: Db, before: string): Pick<AttachmentRow, 'user_id' | 'id' | 'sha256'>[] {
  return sql<AttachmentRow>(
    db,
    `DELETE FROM attachments WHERE (user_id, id) IN
       (SELECT user_id, id FROM attachments INDEXED BY attachments_unsent
        WHERE task_id IS NULL AND created_at < ? ORDER BY created_at LIMIT 200)
     RETURNING user_id, id, sha256`,
  ).all(before);
}
