import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { lockBackups, lockDataFolder } from '../../../coordinator/sqlite/data-lock.ts';
import { asAnotherUser } from '../../support/another-user.ts';
import { temporaryFolder } from '../../support/folder.ts';

for (const [name, lock] of [
  ['errand.lock', lockDataFolder],
  ['backup.lock', lockBackups],
] as const)
  test(`${name} locks others out, and where it may not be written that is an error, not a lock`, async (t) => {
    const dir = await temporaryFolder(t);
    const held = lock(dir);
    t.is(lock(dir), undefined);
    t.deepEqual(readdirSync(dir), [name], 'it takes no room on a full disk');
    held?.release();
    const path = join(dir, name);
    chmodSync(dir, 0o755);
    chmodSync(path, 0o644);
    asAnotherUser(path, 0o400, () => t.throws(() => lock(dir), { code: 'SQLITE_READONLY' }));
    const again = lock(dir);
    t.truthy(again);
    again?.release();
    t.is(readFileSync(path, 'utf8'), '', 'nothing is written to it');
  });
