import { chmodSync, chownSync, lchownSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { requireOwnFolder } from '../../../../coordinator/operations/admin/own-folder.ts';
import { Failure } from '../../../../coordinator/client/errors.ts';
import { asAnotherUser, NOBODY } from '../../../support/another-user.ts';
import { temporaryFolder } from '../../../support/folder.ts';

const OWN = process.geteuid?.() ?? 0;

// Serial, as all here: while a test is another user, so are the others.
test.serial('a command that works on the data folder of another user says so, not that nothing is there', async (t) => {
  const data_dir = await temporaryFolder(t);
  asAnotherUser(data_dir, 0, () => {
    for (const dir of [data_dir, join(data_dir, 'below')])
      t.throws(() => requireOwnFolder({ data_dir: dir }), { instanceOf: Failure, message: /belongs to another user/ });
  });
  for (const dir of [data_dir, join(data_dir, 'below')]) t.notThrows(() => requireOwnFolder({ data_dir: dir }));
});

test.serial(
  'only the owner of the database may work on it, or of the folder that has none; root may not either',
  async (t) => {
    const data_dir = await temporaryFolder(t);
    const database = join(data_dir, 'errand.db');
    // Who is not root can give nothing away: the root folder stands for that of another.
    const dir = OWN === 0 ? data_dir : '/';
    const foreign = OWN === 0 ? NOBODY : statSync('/').uid;
    if (OWN === 0) chownSync(data_dir, NOBODY, NOBODY);
    t.throws(() => requireOwnFolder({ data_dir: dir }), {
      instanceOf: Failure,
      message: new RegExp(`belongs to another user \\(uid ${foreign}\\)\\. .* sudo -u '#${foreign}'`),
    });
    writeFileSync(database, '');
    t.notThrows(() => requireOwnFolder({ data_dir }), 'the database tells');
    if (OWN !== 0) return;
    chownSync(database, NOBODY, NOBODY);
    t.throws(() => requireOwnFolder({ data_dir }), { message: /belongs to another user/ });
  },
);

// Who is not root can give nothing away.
const asRoot = OWN === 0 ? test.serial : test.skip;

asRoot('a database behind a link belongs to the owner of both, and also if root made the link', async (t) => {
  const [data_dir, disk] = [await temporaryFolder(t), await temporaryFolder(t)];
  const [database, target] = [join(data_dir, 'errand.db'), join(disk, 'errand.db')];
  for (const dir of [data_dir, disk]) {
    chmodSync(dir, 0o755);
    chownSync(dir, NOBODY, NOBODY);
  }
  writeFileSync(target, '');
  symlinkSync(target, database);
  const foreign = { message: /belongs to another user \(uid 65534\)/ };
  lchownSync(database, NOBODY, NOBODY);
  t.throws(() => requireOwnFolder({ data_dir }), foreign, 'no link of another is followed');
  chownSync(target, NOBODY, NOBODY);
  const asServer = () => asAnotherUser(database, 0, () => t.notThrows(() => requireOwnFolder({ data_dir })));
  asServer();
  lchownSync(database, 0, 0);
  asServer();
  t.throws(() => requireOwnFolder({ data_dir }), foreign);
});

asRoot('root makes no data folder in the folder of another user', async (t) => {
  const parent = await temporaryFolder(t);
  const data_dir = join(parent, 'errand', 'data');
  t.notThrows(() => requireOwnFolder({ data_dir }), 'the folder of root');
  chmodSync(parent, 0o755);
  asAnotherUser(parent, 0, () => t.notThrows(() => requireOwnFolder({ data_dir }), 'what makes it tells'));
  chownSync(parent, NOBODY, NOBODY);
  t.throws(() => requireOwnFolder({ data_dir }), { message: /belongs to another user \(uid 65534\)/ });
});
