import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readConfig } from '../../base/config.ts';
import { ADMIN_COMMANDS } from '../../cli/admin-commands.ts';
import { command } from '../../cli/command.ts';
import { EXIT } from '../../cli/exit.ts';
import { print, type Io } from '../../cli/io.ts';
import { localTime } from '../../cli/render/format.ts';
import type { Line } from '../../cli/render/line.ts';
import { PROGRAM } from '../../cli/render/program.ts';
import { oneLine } from '../../cli/render/text.ts';
import { UsageFailure } from '../../cli/usage-failure.ts';
import { readName } from '../backup/name.ts';
import type { Restored } from '../backup/restore.ts';
import type { BackupStore } from '../backup/store.ts';
import { backupConfig, configuredStore, sizeOf } from './backup-settings.ts';
import { explained } from './explained.ts';
import { requireOwnFolder } from './own-folder.ts';

export const restore = command({
  ...ADMIN_COMMANDS.restore,
  options: { list: { type: 'boolean', help: 'list the backups, and restore none' } },
  run: ({ values, operands: [named] }, io) =>
    explained(async () => {
      const config = readConfig();
      if (values.list === true) {
        if (named !== undefined) throw new UsageFailure('--list takes no name.');
        return list(await configuredStore(config), io);
      }
      requireOwnFolder(config);
      const { restore } = await import('../backup/restore.ts');
      const file = named !== undefined && (named.includes('/') || existsSync(named)) ? resolve(named) : undefined;
      const source = file === undefined ? { store: await configuredStore(config), name: named } : { file };
      print(io, outcomeLines(await restore(backupConfig(config), source, io.signal), config.data_dir));
      return EXIT.succeeded;
    }),
});

async function list(store: BackupStore, io: Io): Promise<number> {
  const backups = await store.list(io.signal);
  if (backups.length === 0) print(io, [[`There is no backup in ${store.where}.`]]);
  const time = (name: string) => localTime(new Date(readName(name)?.at_ms ?? 0).toISOString());
  print(
    io,
    backups.toReversed().map(({ name, bytes }) => [['bold', name], `  ${time(name)}  ${sizeOf(bytes)}`]),
  );
  return EXIT.succeeded;
}

function outcomeLines(restored: Restored, data_dir: string): Line[] {
  const { name, manifest, requeued, queued, lost_work, previous, keys, files_missing, skipped } = restored;
  const { at, counts, newest_event_id } = manifest;
  const count = (table: string) => `${table} ${counts[table] ?? 0}`;
  const parts = ['users', 'projects', 'tasks', 'events'].map(count).join(', ');
  return [
    ['The backup ', ['bold', name], ' was restored. The server is as it was at ', ['bold', localTime(at)], '.'],
    [`  ${parts}; the newest event is ${newest_event_id}`],
    [requeued === 0 ? '  No task was under way.' : `  Tasks that were under way and get a new attempt: ${requeued}.`],
    ...queueLines(queued),
    ['  All log-ins have ended, and API tokens and invitations are void: everyone logs in again.'],
    ...(previous === null
      ? []
      : [[`  The previous database is in ${resolve(data_dir, previous)}. Remove it once you do not need it.`]]),
    ...(skipped === 0 ? [] : [[skippedText(skipped)]]),
    ...(files_missing === 0 ? [] : filesLines(files_missing, data_dir)),
    ...lostLines(lost_work),
    ...keysLines(keys, data_dir),
  ];
}

/** A restore is also tried beside a live server: what is in the queue would be done twice then. */
function queueLines(queued: number): Line[] {
  if (queued === 0) return [];
  return [
    [['bold', `  Errands in the queue: ${queued}.`], ' They start as soon as a server runs on this data.'],
    [
      '  While the server that the backup is of still runs, start none: it would do its work again, and end its workers.',
    ],
  ];
}

function skippedText(skipped: number): string {
  return `  Backups that are dated in the future and were skipped: ${skipped}. A clock was wrong then, or is wrong now: see ${PROGRAM} restore --list.`;
}

function filesLines(missing: number, data_dir: string): Line[] {
  return [
    [['red', `Files that people attached and that are not here: ${missing}.`], ' A backup does not have them.'],
    [`Put your copy of ${resolve(data_dir, 'attachments')} there. Without it these files are lost; all else works.`],
  ];
}

/** How many errands are named. */
const LOST_MAX = 50;

/** What is said of errands whose work was lost, before and after their list. */
const LOST_WORDS: Record<Restored['lost_work'][number]['lost'], { before: Line; after: Line[] }> = {
  held: {
    before: [['red', 'The work of these errands waited to be pushed, and is lost:'], ' a backup has no workspaces.'],
    after: [
      ['  They have failed. What was approved after the backup may be in the repository: look there first.'],
      ['  The changes of the others can still be read, and a retry has them made again.'],
    ],
  },
  approved: {
    before: [
      ['red', 'The work of these errands was approved but not pushed yet, and is lost:'],
      ' a backup has no workspaces.',
    ],
    after: [
      ['  What was pushed after the backup is in the repository, and they go on from it.'],
      ['  They make again what is missing, and ask before they push it.'],
    ],
  },
  begun: {
    before: [
      'These errands go on from what was pushed, if anything was, since their workspaces are not here as they were:',
    ],
    after: [],
  },
};

/** Errand by errand, what no backup has: work that was not pushed. */
function lostLines(all: Restored['lost_work']): Line[] {
  return (['held', 'approved', 'begun'] as const).flatMap((lost): Line[] => {
    const errands = all.filter((each) => each.lost === lost);
    if (errands.length === 0) return [];
    const { before, after } = LOST_WORDS[lost];
    return [
      before,
      ...errands.slice(0, LOST_MAX).map(({ id, title }): Line => ['  ', ['bold', id], `  ${oneLine(title, 60)}`]),
      ...(errands.length > LOST_MAX ? [[`  and ${errands.length - LOST_MAX} more`]] : []),
      ...after,
    ];
  });
}

function keysLines(keys: Restored['keys'], data_dir: string): Line[] {
  if (keys === 'match' || keys === 'unknown') return [];
  const path = resolve(data_dir, 'keys.json');
  const fault =
    keys === 'missing'
      ? `${path} is missing or cannot be read.`
      : `${path} has other keys than the backup was made with.`;
  return [
    [['red', fault]],
    [
      'Encrypted with those keys: the tokens and the environment of projects, linked accounts, the secrets of forges, and where notifications go.',
    ],
    ['Put your copy of that keys.json there before you start the server. If you have none, set all of these again.'],
  ];
}
