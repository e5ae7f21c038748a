import type { Logger } from '../base/logger.ts';
import { isEnded } from '../../protocol/task.ts';
import type { EventLog } from '../sqlite/event-log.ts';

/** Writes a line to the server's log when an attempt starts or ends, and when an errand has ended. */
export function logErrands(log: EventLog, logger: Logger): void {
  log.subscribe('attempt.started', ({ task_id, attempt, body: { runner, warm, image } }) =>
    logger.info({ task_id, attempt, runner, warm, image }, 'attempt started'),
  );
  log.subscribe('attempt.ended', ({ task_id, attempt, body: { status, reason, retry_at } }) =>
    logger.info({ task_id, attempt, status, reason, retry_at }, 'attempt ended'),
  );
  log.subscribe('task.status', ({ task_id, attempt, body: { to: status, reason } }) => {
    if (isEnded(status)) logger.info({ task_id, attempt, status, reason }, 'errand ended');
  });
}
