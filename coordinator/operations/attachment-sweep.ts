import { LIMITS } from '../../protocol/limits.ts';
import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import { deleteUnsent, findAttachment, listAttachments } from '../sqlite/attachments.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { AttachmentFiles } from '../tasks/attachment-files.ts';

const EVERY_MS = 3_600_000;
/** A younger file may belong to an upload in progress. */
const GARBAGE_MS = 3_600_000;

type Dependencies = { log: EventLog; files: AttachmentFiles; logger: Logger; now?: () => number };

/** Removes uploads that were never sent, and the files of attachments whose rows are gone. */
export class AttachmentSweep {
  readonly #deps: Dependencies;
  readonly #periodic: Periodic;

  constructor(deps: Dependencies) {
    this.#deps = deps;
    const onError = (error: unknown) => deps.logger.warn({ err: error }, 'attachment sweep failed');
    this.#periodic = new Periodic({ every_ms: EVERY_MS, work: () => this.sweep(), onError });
  }

  start(): void {
    void this.#periodic.start();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  async sweep(): Promise<void> {
    const { log, files, now = Date.now } = this.#deps;
    const before = new Date(now() - LIMITS.attachment_unsent_s * 1000).toISOString();
    while (log.write(({ db }) => deleteUnsent(db, before)).length > 0);
    for await (const file of files.before(now() - GARBAGE_MS)) {
      const row = findAttachment(log.db, file.user_id, file.id);
      if (!row || AttachmentFiles.nameOf(row) !== file.name) await file.remove();
    }
  }

  /** Removes the files of a task that is being deleted. Its rows go with the task. */
  async removeOfTask(task_id: string): Promise<void> {
    for (const file of listAttachments(this.#deps.log.db, task_id)) await this.#deps.files.remove(file);
  }
}
