import { pipeline } from 'node:stream/promises';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { listAttachments } from '../sqlite/attachments.ts';
import type { Db } from '../sqlite/database.ts';
import type { AttachmentFiles } from '../tasks/attachment-files.ts';
import type { WorkerProxy } from './caller.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';

/** Gives workers the attachments of their own task. */
export function attachmentProxy(db: Db, files: AttachmentFiles): WorkerProxy {
  const limit = new ConcurrencyLimit(LIMITS.attachments_at_once_max, 'The task fetches too many attachments at once.');
  return {
    forward: (request, response, { task_id, signal }, path) =>
      limit.run(task_id, async () => {
        if (request.method !== 'GET') throw new ErrandError('method_not_allowed', 'An attachment can only be fetched.');
        const found = listAttachments(db, task_id).find(({ id }) => path === `/${id}`);
        if (!found) throw new ErrandError('not_found', 'The task has no such attachment.');
        const { stream, bytes } = await files.read(found);
        response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
        await pipeline(stream, response, { signal });
      }),
  };
}
