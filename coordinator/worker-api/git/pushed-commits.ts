import type { RepositoryOfTask } from '../../domain/task-repository.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { deleteTaskPush, findKeptCommits, insertTaskPush } from '../../sqlite/task-pushes.ts';
import type { AskRepository } from './backend.ts';
import { descendsFrom } from './descends-from.ts';
import type { PackFolder, PackName } from './pack-folders.ts';
import { packBetween } from './pack-between.ts';
import { isNoCommit, reasonsForEach, type PushCommand } from './push-commands.ts';
import { readRefs } from './read-refs.ts';

/** Remembers which commits each task has pushed to which ref, and which commits of others they took along. */
export type PushedCommits = {
  /** The commits of others that whatever takes the place of the command's old commit has to contain. */
  toKeep: (where: RepositoryOfTask, command: PushCommand) => string[];
  /** Adds what is about to be pushed. Returns the commands that the task has not pushed before. */
  add: (where: RepositoryOfTask, commands: PushCommand[]) => PushCommand[];
  /** Forgets commands that the repository has refused. */
  remove: (where: RepositoryOfTask, commands: PushCommand[]) => void;
};

/** Keeps them in the database. */
export function pushedCommits(log: EventLog): PushedCommits {
  const toKeep = (where: RepositoryOfTask, { old, new: commit, ref }: PushCommand) => {
    if (isNoCommit(old) || old === commit) return [];
    return findKeptCommits(log.db, where, { ref, commit: old }) ?? [old];
  };
  return {
    toKeep,
    add: (where, commands) =>
      log.write(({ db }) =>
        commands.filter((command) => {
          const { old, new: commit, ref } = command;
          // Whoever pushes what is there already makes it nobody's own.
          return old !== commit && insertTaskPush(db, where, { ref, commit, kept: toKeep(where, command) });
        }),
      ),
    remove: (where, commands) =>
      log.write(({ db }) => {
        for (const { ref, new: commit } of commands) deleteTaskPush(db, where, { ref, commit });
      }),
  };
}

/**
 * Why a push to the task's own branches is refused: a reason for each command; null: it may be made. `pack`: the path
 * of what is pushed. `kept`: the commits of others that take part in each command.
 */
export async function lossFaults(
  ask: AskRepository,
  folder: PackFolder,
  pack: string,
  kept: { command: PushCommand; commits: string[] }[],
): Promise<string[] | null> {
  const found: (string | null)[] = [];
  for (const { command, commits } of kept) found.push(await lossFault(ask, folder, pack, command, commits));
  return reasonsForEach(found);
}

/**
 * Why a push to the task's own branch that would lose commits of others is refused; null: the new commit contains them
 * all. `pack`: the path of what is pushed, in the folder. `kept`: the others' commits.
 */
async function lossFault(
  ask: AskRepository,
  folder: PackFolder,
  pack: string,
  { old, new: commit }: PushCommand,
  kept: string[],
): Promise<string | null> {
  const contains = (packs: string[], theirs: string) => descendsFrom(folder, packs, commit, theirs).catch(() => false);
  const fetch = async (name: PackName, theirs: string, end: string) =>
    end === theirs ? [] : fetched(ask, folder, name, theirs, end);
  for (const theirs of kept) {
    if (await contains([pack], theirs)) continue;
    // The repository may have the rest of the way already, behind what the branch is at or at the end of another one.
    const before = await fetch('before', theirs, old);
    const after = await fetch('after', theirs, commit);
    if (await contains([pack, ...before, ...after], theirs)) continue;
    return `a force-push would lose the commit ${theirs.slice(0, 12)} of somebody else: fetch the branch and merge it`;
  }
  return null;
}

/** The pack with what the end of a branch has beyond `theirs`; none where the repository does not give it. */
async function fetched(
  ask: AskRepository,
  folder: PackFolder,
  name: PackName,
  theirs: string,
  end: string,
): Promise<string[]> {
  try {
    const { can_filter } = await readRefs(ask);
    return [await folder.store(name, await packBetween(ask, theirs, end, can_filter))];
  } catch {
    return [];
  }
}
