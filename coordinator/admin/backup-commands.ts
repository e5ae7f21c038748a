import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { command } from '../cli/command.ts';
import { EXIT } from '../cli/exit.ts';
import { ADMIN_COMMANDS } from '../cli/admin-commands.ts';
import { UsageFailure } from '../cli/usage-failure.ts';
import { Failure } from '../client/errors.ts';
import { print, type Io } from '../cli/io.ts';
import type { Line } from '../cli/render/line.ts';
import { ConfigError, readConfig, type Config } from '../base/config.ts';
import type { BackupConfig } from '../operations/backup/backup.ts';
import { BackupError } from '../operations/backup/error.ts';
import { readName } from '../operations/backup/name.ts';
import type { Restored } from '../operations/backup/restore.ts';
import type { BackupStore } from '../operations/backup/store.ts';

/* What does the work is imported when it is needed: no other command loads the database driver. */

export const backup = command({
  ...ADMIN_COMMANDS.backup,
  options: {},
  run: (_given, io) =>
    inWords(async () => {
      const config = readConfig();
      const { backUp } = await import('../operations/backup/backup.ts');
      const { name, bytes, pruned } = await backUp(backupConfig(config), await storeOf(config), io.signal);
      const old = pruned === 0 ? '' : `; ${pruned} old ${pruned === 1 ? 'one was' : 'ones were'} removed`;
      print(io, [['The backup ', ['bold', name], ` was made (${sizeOf(bytes)})${old}.`]]);
      return EXIT.succeeded;
    }),
});

export const restore = command({
  ...ADMIN_COMMANDS.restore,
  options: { list: { type: 'boolean', help: 'show the backups that there are, and restore none' } },
  run: ({ values, operands: [named] }, io) =>
    inWords(async () => {
      const config = readConfig();
      if (values.list === true) {
        if (named !== undefined) throw new UsageFailure('--list takes no name.');
        return list(await storeOf(config), io);
      }
      const { restore } = await import('../operations/backup/restore.ts');
      const file = named !== undefined && (named.includes('/') || existsSync(named)) ? resolve(named) : undefined;
      const wanted = file === undefined ? { store: await storeOf(config), name: named } : { file };
      print(io, told(await restore(backupConfig(config), wanted, io.signal), config.data_dir));
      return EXIT.succeeded;
    }),
});

async function list(store: BackupStore, io: Io): Promise<number> {
  const backups = await store.list(io.signal);
  if (backups.length === 0) print(io, [[`There is no backup in ${store.where}.`]]);
  const time = (name: string) => new Date(readName(name)?.at_ms ?? 0).toISOString();
  print(
    io,
    backups.toReversed().map(({ name, bytes }) => [['bold', name], `  ${time(name)}  ${sizeOf(bytes)}`]),
  );
  return EXIT.succeeded;
}

function told({ name, manifest, requeued, previous, keys, skipped }: Restored, data_dir: string): Line[] {
  const { at, counts, newest_event_id } = manifest;
  const count = (table: string) => counts[table] ?? 0;
  return [
    ['The backup ', ['bold', name], ' was restored. It is the server as it was at ', ['bold', at], '.'],
    [
      `  users ${count('users')}, projects ${count('projects')}, tasks ${count('tasks')}, events ${count('events')}; the newest event is ${newest_event_id}`,
    ],
    [
      `  ${requeued === 0 ? 'no task was under way' : `tasks that were under way, and go on in a new attempt: ${requeued}`}`,
    ],
    ['  all log-ins were ended: everyone logs in anew'],
    ...(previous === null
      ? []
      : [[`  the database of before is in ${resolve(data_dir, previous)}: remove it once you do not need it`]]),
    ...(skipped === 0
      ? []
      : [
          [
            `  backups of a time to come, which were passed over: ${skipped}; a clock ran ahead, or is behind now (errand restore --list shows them)`,
          ],
        ]),
    ...keysTold(keys, data_dir),
  ];
}

function keysTold(keys: Restored['keys'], data_dir: string): Line[] {
  if (keys === 'match' || keys === 'unknown') return [];
  const path = resolve(data_dir, 'keys.json');
  return [
    [
      [
        'red',
        keys === 'missing'
          ? `There is no ${path}, or none that can be read.`
          : `${path} has other keys than the ones this backup was made with.`,
      ],
    ],
    [
      'The tokens and the env of projects are sealed with those, and cannot be opened without them. Put your copy of that keys.json there before you',
    ],
    ['start the server; where you have none, set the tokens and the env of your projects anew.'],
  ];
}

function backupConfig({ data_dir, disk_free_bytes_min }: Config): BackupConfig {
  return { data_dir, free_bytes_min: disk_free_bytes_min };
}

async function storeOf({ backup }: Config): Promise<BackupStore> {
  if (!backup)
    throw new Failure('ERRAND_BACKUP_TO is not set: it says where backups are kept, a folder or s3://bucket/prefix.');
  const { openStore } = await import('./open-store.ts');
  return openStore(backup.to);
}

/** What went wrong in words, where there are any. */
async function inWords(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BackupError || error instanceof ConfigError)
      throw new Failure(error.message, { cause: error });
    throw error;
  }
}

function sizeOf(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
