import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { requireOwnFolder } from '../../../../coordinator/operations/admin/own-folder.ts';
import { Failure } from '../../../../coordinator/client/errors.ts';
import { temporaryFolder } from '../../../support/folder.ts';

const NOBODY = 65_534;

/** Does something as a user who may not look into the folder. Root becomes one. */
function asAnother(folder: string, act: () => void): void {
  const is_root = process.getuid?.() === 0;
  if (is_root) process.seteuid?.(NOBODY);
  else chmodSync(folder, 0);
  try {
    act();
  } finally {
    if (is_root) process.seteuid?.(0);
    else chmodSync(folder, 0o700);
  }
}

test('a command that works on the data folder of another user says so, not that nothing is there', async (t) => {
  const data_dir = await temporaryFolder(t);
  asAnother(data_dir, () => {
    for (const dir of [data_dir, join(data_dir, 'below')])
      t.throws(() => requireOwnFolder({ data_dir: dir }), { instanceOf: Failure, message: /belongs to another user/ });
  });
  for (const dir of [data_dir, join(data_dir, 'below')]) t.notThrows(() => requireOwnFolder({ data_dir: dir }));
});
