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
  /** Adds what is about to be pushed. Returns the commands that may be forgotten if the repository refuses them. */
  add: (where: RepositoryOfTask, commands: PushCommand[]) => PushCommand[];
  /** These commands were not refused, as far as is known: they are never forgotten. */
  keep: (where: RepositoryOfTask, commands: PushCommand[]) => void;
  /** The repository has refused these commands: forgets those that no other push has begun as well. */
  remove: (where: RepositoryOfTask, commands: PushCommand[]) => void;
};

/** Keeps them in the database. */
export function pushedCommits(log: EventLog): PushedCommits {
  const toKeep = (where: RepositoryOfTask, { old, new: commit, ref }: PushCommand) => {
    if (isNoCommit(old) || old === commit) return [];
    return findKeptCommits(log.db, where, { ref, commit: old }) ?? [old];
  };
  /** How many pushes have begun a command that was new, and were not refused. One without a number stays. */
  const open = new Map<string, number>();
  const nameOf = ({ task_id, key }: RepositoryOfTask, { ref, new: commit }: PushCommand) =>
    JSON.stringify([task_id, key, ref, commit]);
  return {
    toKeep,
    add: (where, commands) =>
      log.write(({ db }) =>
        commands.filter((command) => {
          const { old, new: commit, ref } = command;
          // Whoever pushes what is there already makes it nobody's own.
          if (old === commit) return false;
          const is_new = insertTaskPush(db, where, { ref, commit, kept: toKeep(where, command) });
          const name = nameOf(where, command);
          const count = is_new ? 0 : open.get(name);
          if (count !== undefined) open.set(name, count + 1);
          return count !== undefined;
        }),
      ),
    keep: (where, commands) => {
      for (const command of commands) open.delete(nameOf(where, command));
    },
    remove: (where, commands) =>
      log.write(({ db }) => {
        for (const command of commands) {
          const name = nameOf(where, command);
          const count = open.get(name);
          if (count === undefined) continue;
          if (count > 1) open.set(name, count - 1);
          else {
            open.delete(name);
            deleteTaskPush(db, where, { ref: command.ref, commit: command.new });
          }
        }
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
