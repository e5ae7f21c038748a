import test from 'ava';
import { forgeCredential } from '../../../coordinator/tasks/forge-credential.ts';
import { readConfig } from '../../../coordinator/base/config.ts';
import { TaskSettings } from '../../../coordinator/tasks/task-settings.ts';
import { findUser, type UserRow } from '../../../coordinator/sqlite/users.ts';
import { Api } from '../../support/api.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { NO_LINKS } from '../../support/no-links.ts';

const OWN = { git_token: null, git_username: null };
const env = {
  ERRAND_GIT_TOKEN: 'the-servers',
  ERRAND_GIT_HOST: 'forge.example',
  ERRAND_GIT_TOKEN_USERS: 'Bob@example.org, carl@example.org',
};
const owner = { role: 'owner', email: 'ann@example.org' } as const;

/** The password that a person's errand on this repository is given; null: none. */
function given(
  user: Pick<UserRow, 'role' | 'email'> | undefined,
  repo_url = 'https://forge.example/a/b',
): string | null {
  return forgeCredential(repo_url, OWN, readConfig(env), user)?.password ?? null;
}

test("the server's git token serves the owner and those whom the owner names, on its host alone", (t) => {
  t.is(given(owner), 'the-servers');
  for (const email of ['bob@example.org', 'carl@example.org']) t.is(given({ role: 'member', email }), 'the-servers');
  for (const email of ['eve@example.org', 'ann@example.org', 'bob@example.org.evil', 'xbob@example.org', ''])
    t.is(given({ role: 'member', email }), null, email);
  t.is(given(undefined), null);
  for (const repo_url of [
    'https://evil.example/a/b',
    'https://forge.example.evil.example/a/b',
    'http://forge.example/a/b',
  ])
    t.is(given(owner, repo_url), null, repo_url);
});

test('a project with its own token uses that one, whoever it belongs to', (t) => {
  const secrets = { git_token: 'own', git_username: null };
  for (const user of [owner, { role: 'member', email: 'eve@example.org' } as const])
    t.is(forgeCredential('https://forge.example/a/b', secrets, readConfig(env), user)?.password, 'own');
});

test('whoever signs up gets no token: not by the address of somebody who is named, before or after that account', async (t) => {
  const server = await startApi(t, env);
  const { db, keys } = server;
  const settings = new TaskSettings({ db, keys, config: readConfig(env), linked: NO_LINKS });
  const passwordOf = async (api: Api) =>
    (await settings.repository({ task_id: (await sendErrand(api)).id, key: null })).credential?.password;
  const ann = await server.person('ann@example.org');
  t.is(await passwordOf(ann.api), 'the-servers');
  const eve = await server.person('eve@example.org');
  t.is(await passwordOf(eve.api), undefined);
  for (const email of ['bob@example.org', ' BOB@Example.org '])
    t.is((await new Api(server.url).refused('signup', { body: { email, password: PASSWORD } })).code, 'email_taken');

  // Bob had his account before the owner named him.
  db.prepare(`UPDATE users SET email = 'bob@example.org' WHERE id = ?`).run(eve.session.user.id);
  t.is(await passwordOf(eve.api), 'the-servers');
  await eve.api.call('deleteMe', { body: { password: PASSWORD } }).catch(() => undefined);
  t.not(findUser(db, ann.session.user.id), undefined);
  t.is(
    (await new Api(server.url).refused('signup', { body: { email: 'bob@example.org', password: PASSWORD } })).code,
    'email_taken',
  );
});
