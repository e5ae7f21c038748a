import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import test, { type ExecutionContext } from 'ava';
import { findAnyDamage } from '../../../coordinator/sqlite/integrity.ts';
import { newestVersion, versionOf } from '../../../coordinator/sqlite/migrations.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { contentsOf, makeOldDatabase, type Contents } from '../../support/old-database.ts';

/*
 * A server is killed while it upgrades a database of 100,000 events. It must leave the database whole, at the version
 * before or after a migration, and the next start must finish the upgrade.
 */

const UPGRADE = join(import.meta.dirname, '../../support/upgrade.ts');
const OLD_VERSION = 3;

async function oldDatabase(t: ExecutionContext): Promise<{ path: string; before: Contents }> {
  const path = join(await temporaryFolder(t), 'errand.db');
  makeOldDatabase(path);
  const db = new Database(path);
  const before = contentsOf(db);
  t.deepEqual([versionOf(db), before.events?.rows], [OLD_VERSION, 100_000]);
  db.close();
  return { path, before };
}

/** The version of the database that a kill left, and whether it still has every earlier row unchanged. */
function inspect(path: string, before: Contents): { version: number; same: boolean } {
  const db = new Database(path);
  try {
    return { version: versionOf(db), same: JSON.stringify(contentsOf(db, before)) === JSON.stringify(before) };
  } finally {
    db.close();
  }
}

/** The upgraded database has every earlier row; `integrity_check` and `foreign_key_check` find nothing. */
function assertUpgraded(t: ExecutionContext, path: string, before: Contents): void {
  t.deepEqual(inspect(path, before), { version: newestVersion(), same: true });
  const db = new Database(path);
  t.teardown(() => db.close());
  t.is(findAnyDamage(db), null);
}

/**
 * Runs the upgrade in a process of its own and kills it after `kill_after_ms`. Returns the signal that ended it;
 * null: it finished.
 */
async function upgrade(t: ExecutionContext, args: string[], kill_after_ms?: number): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, [UPGRADE, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  if (kill_after_ms !== undefined) {
    await once(child.stdout, 'data');
    await Promise.race([delay(kill_after_ms), closed]);
    child.kill('SIGKILL');
  }
  const [code, signal] = await closed;
  if (signal === null) t.is(code, 0);
  return signal;
}

/** Migrations, after how many of their statements the process kills itself, and the version that it leaves. */
const KILLS: [name: string, statements: number, version: number][] = [
  ['0004-open-status-and-runner.sql', 2, 3],
  ['0004-open-status-and-runner.sql', 3, 3],
  ['0004-open-status-and-runner.sql', 16, 3],
  ['0005-subscribers.sql', 0, 4],
  ['0005-subscribers.sql', 1, 4],
];

test.serial(
  'an upgrade that is killed in a migration leaves the version before it, whole, and the next start finishes it',
  async (t) => {
    t.timeout(180_000);
    const { path, before } = await oldDatabase(t);
    for (const [name, statements, version] of KILLS) {
      t.is(await upgrade(t, [path, name, String(statements)]), 'SIGKILL');
      t.deepEqual(inspect(path, before), { version, same: true }, `killed in ${name} after ${statements} statements`);
    }
    t.is(await upgrade(t, [path]), null);
    assertUpgraded(t, path, before);
  },
);

test.serial(
  'an upgrade that is killed at any moment leaves the database whole, and the next start finishes it',
  async (t) => {
    t.timeout(180_000);
    const { path, before } = await oldDatabase(t);
    for (let ms = 20; (await upgrade(t, [path], ms)) !== null; ms = Math.round(ms * 1.5)) {
      const { version, same } = inspect(path, before);
      t.log(`killed after ${ms} ms: version ${version}`);
      t.true(same);
      t.true(version >= OLD_VERSION);
    }
    assertUpgraded(t, path, before);
  },
);
