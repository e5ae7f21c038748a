import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import type { BackupDestination } from '../../coordinator/base/backup-destination.ts';
import { readKeys } from '../../coordinator/base/keys.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { listOpenNeeds } from '../../coordinator/sqlite/needs.ts';
import { endAttempt } from '../../coordinator/tasks/advance.ts';
import { answerNeed } from '../../coordinator/tasks/answer-need.ts';
import { askAtEnd } from '../../coordinator/tasks/ask-at-end.ts';
import { openTestDatabase } from './test-database.ts';
import { CommandLine } from './command-line.ts';
import { temporaryFolder } from './folder.ts';
import { addTask, addUser, startAttempt, taskOf } from './fixtures.ts';
import { SILENT } from './silent.ts';

/** The settings for backups to this destination. */
export function settingsFor(to: BackupDestination): Record<string, string> {
  if (to.kind === 'folder') return { ERRAND_BACKUP_TO: to.path };
  return {
    ERRAND_BACKUP_TO: `s3://${to.bucket}/${to.prefix}`,
    ERRAND_BACKUP_S3_ENDPOINT: to.endpoint,
    AWS_ACCESS_KEY_ID: to.access_key_id,
    AWS_SECRET_ACCESS_KEY: to.secret_access_key,
  };
}

/** Runs commands on the server's machine, with its settings. */
export async function serverCommands(t: ExecutionContext, data_dir: string, to: BackupDestination) {
  const cli = await CommandLine.create(t);
  const env = { ERRAND_DATA: data_dir, ...settingsFor(to) };
  return {
    run: (...argv: string[]) => cli.run(argv, { env }),
    start: (...argv: string[]) => cli.start(argv, { env }),
  };
}

/** The data folder of a stopped server: its keys, and a database with a task whose attempt is running. */
export async function dataFolder(t: ExecutionContext, parent?: string): Promise<string> {
  const data_dir = join(parent ?? (await temporaryFolder(t)), 'data');
  mkdirSync(data_dir);
  readKeys(data_dir);
  const db = openTestDatabase(join(data_dir, 'errand.db'));
  const log = new EventLog({ db, logger: SILENT });
  const task = addTask(log, addUser(log), { workspace: 'errand-abcdefghjk' });
  startAttempt(log, task.id);
  db.close();
  return data_dir;
}

/** Adds a task whose work is done in this workspace, and waits for approval to be pushed. */
export function addHeldTask(log: EventLog, user_id: string, workspace: string, commit = 'a'.repeat(40)): string {
  const { id } = addTask(log, user_id, { workspace, ask_before_push: true });
  startAttempt(log, id);
  const task = taskOf(log, id);
  const diff_stat = { files: 1, insertions: 2, deletions: 0 };
  const ask = askAtEnd(log.db, { member_budget_usd_max: 1 }, task, {
    status: 'succeeded',
    reason: null,
    held_commit: commit,
    diff_stat,
  });
  const end = { status: 'parked', reason: null, detail: null, at: new Date().toISOString() } as const;
  log.write((tx) => endAttempt(tx, task, 1, end, ask));
  return id;
}

/** Approves the push that a task waits for. Its next attempt would do it. */
export function approvePush(log: EventLog, user_id: string, id: string): void {
  const [need] = listOpenNeeds(log.db, id);
  if (!need) throw new Error(`The task ${id} waits for nothing.`);
  const bounds = { member_budget_usd_max: 1 };
  log.write((tx) =>
    answerNeed(tx, bounds, user_id, { id, need_id: need.id }, { choose: ['approve'], attachments: [] }, null),
  );
}

/** Queries a database that nobody has open. `value` returns the single value of a statement. */
export function look<T>(data_dir: string, work: (value: (sql: string) => unknown) => T): T {
  const db = new Database(join(data_dir, 'errand.db'), { readonly: true, fileMustExist: true });
  try {
    return work((sql) => db.prepare(sql).pluck().get());
  } finally {
    db.close();
  }
}

/** The contents of all files in a folder but its locks, by path: to show that nothing changed. */
export function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'))
    .map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(names.sort().map((path) => [path, readFileSync(path, 'base64')]));
}
