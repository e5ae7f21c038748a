import { z } from 'zod';
import type { WorkerEventType } from '../../protocol/events.ts';
import type { FailureReason } from '../../protocol/task.ts';
import type { ResultPost } from '../../protocol/worker-schemas.ts';
import { isRedactionOf } from '../../protocol/secrets/redaction-of.ts';
import { findAttempt } from '../sqlite/attempts.ts';
import type { Db } from '../sqlite/database.ts';
import { findNewestEvent } from '../sqlite/steps.ts';
import { hasBegunPush } from '../sqlite/task-pushes.ts';

/** What a worker reports of a command of the project. The setup command has no `passed`. */
const Ran = z.object({ command: z.string(), exit_code: z.number().nullable(), passed: z.boolean().default(true) });

/** After one of these the workspace may be another than the one that was verified. */
const MAY_CHANGE: readonly WorkerEventType[] = ['repository.ready', 'turn.finished', 'tool.started', 'tool.finished'];

/** No detail quotes a command: a secret of the project may stand in it. */
const DETAILS = {
  setup_failed: 'The worker reported success, but the setup command did not succeed in this attempt.',
  verify_failed: 'The worker reported success, but the verify command did not pass after the last change.',
  agent_error: 'The worker reported success, but it did not report in this attempt that the repository was ready.',
} satisfies Partial<Record<FailureReason, string>>;

type Fault = { reason: FailureReason; detail: string };

/**
 * Why an attempt cannot have succeeded, whatever its worker says; null: nothing contradicts it. In this attempt the
 * repository must have been ready, the project's setup command must have run after that, and its verify command must
 * have passed after the last change, unless there is none.
 */
export function missingStep(db: Db, task_id: string, n: number, result: ResultPost): Fault | null {
  const newestSeq = (types: readonly WorkerEventType[]) => findNewestEvent(db, task_id, n, types)?.seq ?? 0;
  /** Whether the newest event of this type came after this number, and says that the command passed. */
  const passed = (type: WorkerEventType, command: string, after: number): boolean => {
    const event = findNewestEvent(db, task_id, n, [type]);
    if (!event || event.seq < after) return false;
    const ran = Ran.parse(JSON.parse(event.body));
    // Events are stored with masks in place of secrets.
    return ran.passed && ran.exit_code === 0 && isRedactionOf(ran.command, command);
  };
  const { setup_command = null, verify_command = null } = findAttempt(db, task_id, n) ?? {};
  const ready = newestSeq(['repository.ready']);
  const fault = (reason: keyof typeof DETAILS): Fault => ({ reason, detail: DETAILS[reason] });
  if (setup_command !== null && !passed('setup.finished', setup_command, ready)) return fault('setup_failed');
  const isVerified = (command: string) => passed('verify.finished', command, newestSeq(MAY_CHANGE));
  if (verify_command !== null && !isVerified(verify_command) && !hasChangedNothing(db, task_id, result))
    return fault('verify_failed');
  return ready === 0 ? fault('agent_error') : null;
}

/** Whether there is nothing to verify: the result has no change, and no attempt has pushed one. */
function hasChangedNothing(db: Db, task_id: string, result: ResultPost): boolean {
  const outcomes = [result, ...(result.repositories ?? [])];
  const is_empty = outcomes.every(
    ({ commit, held_commit, diff, diff_stat }) =>
      commit === null && held_commit === undefined && diff === '' && diff_stat.files === 0,
  );
  return is_empty && !hasBegunPush(db, task_id);
}
