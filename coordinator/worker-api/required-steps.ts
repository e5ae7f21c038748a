import { z } from 'zod';
import type { WorkerEventType } from '../../protocol/events.ts';
import type { FailureReason } from '../../protocol/task.ts';
import { findAttempt } from '../sqlite/attempts.ts';
import type { Db } from '../sqlite/database.ts';
import { findNewestEvent } from '../sqlite/steps.ts';

/** What a worker reports of a command of the project. */
const Ran = z.object({ command: z.string(), exit_code: z.number().nullable() });

/** After one of these the workspace may be another than the one that was verified. */
const MAY_CHANGE: readonly WorkerEventType[] = ['repository.ready', 'turn.finished', 'tool.started', 'tool.finished'];

type Fault = { reason: FailureReason; detail: string };

/**
 * Why an attempt cannot have succeeded, whatever its worker says; null: nothing contradicts it. The project's setup
 * command must have run in this attempt, and its verify command after the last change, both with exit code 0.
 */
export function missingStep(db: Db, task_id: string, n: number): Fault | null {
  const attempt = findAttempt(db, task_id, n);
  const newestSeq = (types: readonly WorkerEventType[]) => findNewestEvent(db, task_id, n, types)?.seq ?? 0;
  const ran = (type: WorkerEventType, command: string, after: number): boolean => {
    const event = findNewestEvent(db, task_id, n, [type]);
    if (!event || event.seq < after) return false;
    const body = Ran.parse(JSON.parse(event.body));
    return body.command === command && body.exit_code === 0;
  };
  const { setup_command = null, verify_command = null } = attempt ?? {};
  if (setup_command !== null && !ran('setup.finished', setup_command, newestSeq(['repository.ready'])))
    return {
      reason: 'setup_failed',
      detail: `The worker reported success, but the setup command did not succeed in this attempt: ${setup_command}`,
    };
  if (verify_command !== null && !ran('verify.finished', verify_command, newestSeq(MAY_CHANGE)))
    return {
      reason: 'verify_failed',
      detail: `The worker reported success, but the verify command did not pass after the last change: ${verify_command}`,
    };
  return null;
}
