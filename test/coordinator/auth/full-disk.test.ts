import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createAuth } from '../../../coordinator/auth/auth.ts';
import { Passwords } from '../../../coordinator/auth/passwords.ts';
import { setupCode } from '../../../coordinator/auth/setup-code.ts';
import { readKeys } from '../../../coordinator/base/keys.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { readMeta } from '../../../coordinator/sqlite/meta.ts';
import { addTask, taskOf } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { openTestDatabase } from '../../support/test-database.ts';

const CLIENT = { address: '192.0.2.1', user_agent: null };

/** A server with an owner and a member, whose disk is full once `disk.full` is set. */
async function scene(t: ExecutionContext) {
  const folder = await temporaryFolder(t);
  const [keys, db] = [readKeys(folder), openTestDatabase(join(folder, 'errand.db'))];
  t.teardown(() => db.close());
  const disk = { full: false };
  const log = new EventLog({ db, logger: SILENT, room: { isLow: () => disk.full } });
  const config = { signup: 'open' as const, git_token_users: [], public_url: undefined };
  const auth = createAuth({ config, log, keys, passwords: new Passwords(4) });
  const setup_code = setupCode(keys, readMeta(db, 'instance'));
  const signUp = async (email: string) => {
    const { access_token } = await auth.logins.signup({ email, password: PASSWORD, setup_code }, CLIENT);
    return auth.authenticator.authenticate(access_token);
  };
  return { log, auth, disk, owner: await signUp('ann@example.org'), member: await signUp('bob@example.org') };
}

test('on a full disk a log-in by a link works, as one by a password does', async (t) => {
  const { auth, disk, owner } = await scene(t);
  disk.full = true;
  const { code } = auth.link_logins.create(owner, CLIENT);
  t.is((await auth.link_logins.redeem(code, CLIENT)).user.email, 'ann@example.org');
  t.is(
    (await auth.logins.login({ email: 'ann@example.org', password: PASSWORD }, CLIENT)).user.email,
    'ann@example.org',
  );
});

test('on a full disk the owner can block the person who fills it', async (t) => {
  const { log, auth, disk, owner, member } = await scene(t);
  const { id } = addTask(log, member.user_id);
  disk.full = true;
  t.truthy(auth.people.block(owner, member.user_id, CLIENT).blocked_at);
  t.is(taskOf(log, id).status, 'cancelled');
  t.false(auth.authenticator.lives(member));
});
