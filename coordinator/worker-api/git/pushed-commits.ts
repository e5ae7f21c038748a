import type { RepositoryOfTask } from '../../domain/task-repository.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { insertTaskPush, isTaskPush } from '../../sqlite/task-pushes.ts';
import { descendsFrom } from './descends-from.ts';
import type { Push, PushCommand } from './push-commands.ts';

/** Remembers which commits each task has pushed to which repository. */
export type PushedCommits = {
  has: (where: RepositoryOfTask, commit: string) => boolean;
  add: (where: RepositoryOfTask, commits: string[]) => void;
};

/** Keeps them in the database. */
export function pushedCommits(log: EventLog): PushedCommits {
  return {
    has: (where, commit) => isTaskPush(log.db, where, commit),
    add: (where, commits) =>
      log.write(({ db }) => {
        for (const commit of commits) insertTaskPush(db, where, commit);
      }),
  };
}

/** The commands that take the place of a commit which the task itself has not pushed. */
export function replacingOthers({ commands }: Push, isOwn: (commit: string) => boolean): PushCommand[] {
  return commands.filter(({ old, new: commit }) => !/^0+$/.test(old) && old !== commit && !isOwn(old));
}

/**
 * Why a push to the task's own branch that takes the place of somebody else's commit is refused; null: the new commit
 * contains that one. `pack`: what is pushed.
 */
export async function refusalOfReplacing(
  pack: Buffer,
  { old, new: commit }: PushCommand,
  signal: AbortSignal,
): Promise<string | null> {
  if (await descendsFrom(pack, commit, old, signal).catch(() => false)) return null;
  return `a force-push would lose the commit ${old.slice(0, 12)} of somebody else: fetch the branch and merge it`;
}
