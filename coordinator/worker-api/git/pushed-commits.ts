import type { RepositoryOfTask } from '../../domain/task-repository.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { findKeptCommits, insertTaskPush } from '../../sqlite/task-pushes.ts';
import type { AskRepository } from './backend.ts';
import { descendsFrom } from './descends-from.ts';
import { packBetween } from './pack-between.ts';
import type { PushCommand } from './push-commands.ts';
import { readRefs } from './read-refs.ts';

/** Remembers which commits each task has pushed to which ref, and which commits of others they took along. */
export type PushedCommits = {
  /** The commits of others that whatever takes the place of the command's old commit has to contain. */
  toKeep: (where: RepositoryOfTask, command: PushCommand) => string[];
  add: (where: RepositoryOfTask, commands: PushCommand[]) => void;
};

/** Keeps them in the database. */
export function pushedCommits(log: EventLog): PushedCommits {
  const toKeep = (where: RepositoryOfTask, { old, new: commit, ref }: PushCommand) => {
    if (/^0+$/.test(old) || old === commit) return [];
    return findKeptCommits(log.db, where, { ref, commit: old }) ?? [old];
  };
  return {
    toKeep,
    add: (where, commands) =>
      log.write(({ db }) => {
        for (const command of commands) {
          // Whoever pushes what is there already makes it nobody's own.
          if (command.old === command.new) continue;
          insertTaskPush(db, where, { ref: command.ref, commit: command.new, kept: toKeep(where, command) });
        }
      }),
  };
}

/**
 * Why a push to the task's own branch that would lose commits of others is refused; null: the new commit contains them
 * all. `pack`: what is pushed. `kept`: the others' commits.
 */
export async function refusalOfLosing(
  ask: AskRepository,
  pack: Buffer,
  { old, new: commit }: PushCommand,
  kept: string[],
  signal: AbortSignal,
): Promise<string | null> {
  for (const theirs of kept) {
    const contains = (packs: Buffer[]) => descendsFrom(packs, commit, theirs, signal).catch(() => false);
    if (await contains([pack])) continue;
    // The repository may have the rest of the way already, behind what the branch is at or at the end of another one.
    const packs = [pack];
    for (const end of [old, commit]) if (end !== theirs) packs.push(...(await fetched(ask, theirs, end)));
    if (await contains(packs)) continue;
    return `a force-push would lose the commit ${theirs.slice(0, 12)} of somebody else: fetch the branch and merge it`;
  }
  return null;
}

/** The pack with what the end of a branch has beyond `theirs`; none where the repository does not give it. */
async function fetched(ask: AskRepository, theirs: string, end: string): Promise<Buffer[]> {
  try {
    const { can_filter } = await readRefs(ask);
    return [await packBetween(ask, theirs, end, can_filter)];
  } catch {
    return [];
  }
}
