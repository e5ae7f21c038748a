import type { RepositoryOfTask } from '../../domain/task-repository.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { findApprovedDiff } from '../../sqlite/diffs.ts';
import { findApprovedRepositoryDiff, holdRepositoryCommit } from '../../sqlite/task-repositories.ts';
import { holdCommit } from '../../sqlite/tasks.ts';
import { requireRepository } from '../../tasks/require-repository.ts';
import type { UploadApproval } from './lfs-proxy.ts';
import type { Push } from './push-commands.ts';

/** Why a push is refused until its person has approved it: a reason for each command. Null: it may be made. */
export type PushApproval = (where: RepositoryOfTask, push: Push) => string[] | null;

const REASON = 'not approved yet: the person is asked at the end of the work';
const NOT_SHOWN = 'the diff that was approved was cut before this object, or does not name it';

/**
 * Refuses pushes of commits that nobody has approved, where a task asks for that. An approval is for one commit of one
 * repository, so what a worker does afterwards needs another. The newest refused commit is kept, to ask for it.
 */
export function pushApproval(log: EventLog): PushApproval {
  return (where, { commands }) => {
    const { task, approved_commit, held_commit } = requireRepository(log.db, where);
    if (!task.ask_before_push) return null;
    const held = commands.find(({ new: commit }) => commit !== approved_commit);
    if (!held) return null;
    const { task_id, key } = where;
    if (held.new !== held_commit)
      log.write(({ db }) =>
        key === null ? holdCommit(db, task_id, held.new) : holdRepositoryCommit(db, task_id, key, held.new),
      );
    return commands.map(() => REASON);
  };
}

/**
 * Refuses uploads of Git LFS where a task asks before it pushes, except of what its person has seen and approved: an
 * object that the diff of the approved commit names.
 */
export function uploadApproval(log: EventLog): UploadApproval {
  return (where, oids) => {
    const { task } = requireRepository(log.db, where);
    if (!task.ask_before_push) return null;
    const { task_id, key } = where;
    const approved =
      key === null ? findApprovedDiff(log.db, task_id) : findApprovedRepositoryDiff(log.db, task_id, key);
    if (approved === undefined) return REASON;
    return oids.every((oid) => approved.includes(`\n+oid sha256:${oid}\n`)) ? null : NOT_SHOWN;
  };
}
