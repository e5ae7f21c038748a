import { chownSync, lchownSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { requireOwnFolder } from '../../../../coordinator/operations/admin/own-folder.ts';
import { Failure } from '../../../../coordinator/client/errors.ts';
import { asAnotherUser, NOBODY } from '../../../support/another-user.ts';
import { temporaryFolder } from '../../../support/folder.ts';

test('a command that works on the data folder of another user says so, not that nothing is there', async (t) => {
  const data_dir = await temporaryFolder(t);
  asAnotherUser(data_dir, 0, () => {
    for (const dir of [data_dir, join(data_dir, 'below')])
      t.throws(() => requireOwnFolder({ data_dir: dir }), { instanceOf: Failure, message: /belongs to another user/ });
  });
  for (const dir of [data_dir, join(data_dir, 'below')]) t.notThrows(() => requireOwnFolder({ data_dir: dir }));
});

test('only the owner of the database may work on it, or of the folder that has none; root may not either', async (t) => {
  const [data_dir, elsewhere] = [await temporaryFolder(t), await temporaryFolder(t)];
  const database = join(data_dir, 'errand.db');
  const own = process.geteuid?.() ?? 0;
  // Who is not root can give nothing away: what root owns stands for the folder of another.
  const dir = own === 0 ? data_dir : '/';
  const foreign = own === 0 ? NOBODY : 0;
  if (own === 0) chownSync(data_dir, NOBODY, NOBODY);
  t.throws(() => requireOwnFolder({ data_dir: dir }), {
    instanceOf: Failure,
    message: new RegExp(`belongs to another user \\(uid ${foreign}\\)\\. .* sudo -u '#${foreign}'`),
  });
  writeFileSync(database, '');
  t.notThrows(() => requireOwnFolder({ data_dir }), 'the database tells');
  if (own !== 0) return;
  writeFileSync(join(elsewhere, 'own'), '');
  chownSync(database, NOBODY, NOBODY);
  t.throws(() => requireOwnFolder({ data_dir }), { message: /belongs to another user/ });
  const linked = await temporaryFolder(t);
  symlinkSync(join(elsewhere, 'own'), join(linked, 'errand.db'));
  lchownSync(join(linked, 'errand.db'), NOBODY, NOBODY);
  t.throws(() => requireOwnFolder({ data_dir: linked }), { message: /belongs to another user/ }, 'no link is followed');
});
