import { join } from 'node:path';
import test from 'ava';
import type { ForgeKind } from '../../../protocol/forges.ts';
import { newId } from '../../../protocol/ids.ts';
import { readKeys } from '../../../coordinator/base/keys.ts';
import { readConfig } from '../../../coordinator/base/config.ts';
import { ThreadPool } from '../../../coordinator/base/threads.ts';
import { ForgeAccounts } from '../../../coordinator/forge/accounts/forge-accounts.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { insertForge } from '../../../coordinator/sqlite/forges.ts';
import { insertLinkedAccount } from '../../../coordinator/sqlite/linked-accounts.ts';
import { insertTaskRepository } from '../../../coordinator/sqlite/task-repositories.ts';
import { findUser } from '../../../coordinator/sqlite/users.ts';
import { TaskSettings } from '../../../coordinator/tasks/task-settings.ts';
import { addTask, addUser } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';
import { openTestDatabase } from '../../support/test-database.ts';

test("commits bear GitHub's address of the linked account, and elsewhere that of the account here", async (t) => {
  const folder = await temporaryFolder(t);
  const db = openTestDatabase(join(folder, 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const [ann, bob] = [addUser(log), addUser(log)];
  const at = new Date().toISOString();
  const addForge = (kind: ForgeKind, origin: string): string => {
    const forge = { id: newId(), kind, origin, client_id: null, app_id: null, app_slug: null, secrets: '' };
    insertForge(db, { ...forge, created_at: at });
    return forge.id;
  };
  const link = (forge_id: string | null, issuer: string, subject: string, login: string) =>
    insertLinkedAccount(db, {
      id: newId(),
      user_id: ann,
      forge_id,
      issuer,
      subject,
      login,
      tokens: null,
      expires_at: null,
      created_at: at,
    });
  link(addForge('github', 'https://github.com'), 'https://github.com', '4711', 'ann-x');
  link(addForge('github', 'https://git.acme.example:8443'), 'https://git.acme.example:8443', '7', 'ann_acme');
  link(addForge('github', 'https://odd.example'), 'https://odd.example', '7', 'ann> <eve@x');
  link(addForge('gitea', 'https://gitea.example'), 'https://gitea.example', '5', 'ann');
  link(null, 'https://id.example', '12', 'ann@id.example');
  const [keys, config] = [readKeys(folder), readConfig({})];
  const accounts = new ForgeAccounts({ log, keys, config, threads: new ThreadPool(), logger: SILENT });
  t.teardown(() => accounts.stop());
  const settings = new TaskSettings({ db, keys, config, linked: accounts.access });
  const emailOf = (user_id: string, repo_url: string) =>
    settings.forWorker(addTask(log, user_id, { repo_url })).author.email;
  t.is(emailOf(ann, 'https://github.com/ann-x/bills.git'), '4711+ann-x@users.noreply.github.com');
  t.is(emailOf(ann, 'https://git.acme.example:8443/a/b'), '7+ann_acme@users.noreply.git.acme.example');
  const own = findUser(db, ann)?.email ?? '';
  for (const host of ['gitea.example', 'odd.example', 'id.example', 'elsewhere.example'])
    t.is(emailOf(ann, `https://${host}/a/b`), own, host);
  t.is(emailOf(ann, 'errand://sample'), own);
  const several = addTask(log, ann, { repo_url: 'https://gitea.example/a/b' });
  const place = { project_id: null, base_branch: null, work_branch: null };
  insertTaskRepository(db, { ...place, task_id: several.id, n: 1, key: 'c', repo_url: 'https://github.com/ann-x/c' });
  t.is(
    settings.forWorker(several).author.email,
    '4711+ann-x@users.noreply.github.com',
    'a further repository is at GitHub',
  );
  t.is(emailOf(bob, 'https://github.com/ann-x/bills.git'), findUser(db, bob)?.email ?? '', 'nothing is linked');
});
