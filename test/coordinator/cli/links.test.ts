import test from 'ava';
import { listProjectNames } from '../../../coordinator/sqlite/projects.ts';
import { CommandLine } from '../../support/command-line.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { link, signInScene, type SignInScene } from '../../support/forge/sign-in-scene.ts';
import { until } from '../../support/until.ts';

/** Runs a command that shows a code, which `login` then types at GitHub. */
async function byCode(scene: SignInScene, cli: CommandLine, argv: string[], login: string, stdin = '') {
  const running = cli.start(argv, { stdin });
  const code = await until('the code is shown', () => /type the code (\w{4}-\w{4})/.exec(running.stderr)?.[1], 20_000);
  const { world, sign_in } = scene.github;
  sign_in.enterDeviceCode(code, world.person(login) ?? world.addPerson(login));
  return running.ended;
}

test('login --github logs in by a code; link and unlink; the last way to log in stays', async (t) => {
  t.timeout(60_000);
  const scene = await signInScene(t, { ERRAND_SIGNUP_LOGINS: 'ann' });
  await scene.server.person('owner@example.org');
  const cli = await CommandLine.create(t);
  const login = ['login', '--server', scene.server.url, '--github'];
  const done = await byCode(scene, cli, login, 'ann');
  t.regex(done.stdout, /^You are logged in to .* as ann@example\.test \(member\)\.\n$/, done.stderr);
  t.regex((await cli.run(['links'])).stdout, /^ann {2}127\.0\.0\.1:\d+ {2}works\n$/);
  t.regex((await cli.run(['unlink', 'ann'])).stderr, /^This is the only way to log in/);
  t.regex((await byCode(scene, cli, ['link'], 'ann-at-work')).stdout, /^ann-at-work at .* is linked\.\n$/);
  t.regex((await cli.run(['unlink', scene.github.host])).stderr, /^There are 2 of these: /);
  t.regex((await cli.run(['unlink', 'ann'])).stdout, /^ann at .* is unlinked\.\n$/);
  t.regex((await cli.run(['unlink', 'nobody'])).stderr, /nobody/);
});

test('the first password of an account needs no old one, and the next change does', async (t) => {
  t.timeout(60_000);
  const scene = await signInScene(t, { ERRAND_SIGNUP_LOGINS: 'ann' });
  await scene.server.person('owner@example.org');
  const cli = await CommandLine.create(t);
  await byCode(scene, cli, ['login', '--server', scene.server.url, '--github'], 'ann');
  const first = await cli.run(['password'], { stdin: `${PASSWORD}\n` });
  t.regex(
    first.stdout,
    /^The password is set\. Your other log-ins have ended\.\nStill there: 1 linked account\./,
    first.stderr,
  );
  t.regex((await cli.run(['password'], { stdin: `${PASSWORD}\n` })).stderr, /has two lines: the current password/);
});

test('link asks for the password when the log-in is a while ago', async (t) => {
  t.timeout(60_000);
  const scene = await signInScene(t);
  const { session } = await scene.server.person();
  const cli = await CommandLine.create(t);
  await cli.run(['login', '--server', scene.server.url, '--email', session.user.email], { stdin: `${PASSWORD}\n` });
  scene.server.clock.ahead_ms = (LIMITS.fresh_login_s + 1) * 1000;
  t.regex((await cli.run(['link'], { stdin: 'not the one\n' })).stderr, /^Your current password is wrong/);
  const linked = await byCode(scene, cli, ['link'], 'ann', `${PASSWORD}\n`);
  t.regex(linked.stdout, /^ann at .* is linked\.\n$/, linked.stderr);
});

test('where the app allows no codes, link says what the owner can do, and where else to link', async (t) => {
  const scene = await signInScene(t);
  const { session } = await scene.server.person();
  const cli = await CommandLine.create(t);
  await cli.run(['login', '--server', scene.server.url, '--email', session.user.email], { stdin: `${PASSWORD}\n` });
  for (const app of scene.github.apps.apps) app.device_flow = false;
  const { stderr } = await cli.run(['link']);
  t.regex(stderr, /tick "Enable Device Flow"/);
  t.true(stderr.includes(`${scene.server.url}/settings/accounts`), stderr);
});

test('repositories are listed and searched, and an errand takes one by its short name', async (t) => {
  const scene = await signInScene(t);
  const { github, server } = scene;
  const { api, session } = await server.person();
  const ann = github.world.addPerson('ann');
  for (const name of ['shop', 'shop-admin']) await github.world.addRepository({ owner: ann, name });
  github.apps.install(scene.app, ann);
  const cli = await CommandLine.create(t);
  await cli.run(['login', '--server', server.url, '--email', session.user.email], { stdin: `${PASSWORD}\n` });
  t.regex((await cli.run(['repositories'])).stdout, /^No repositories\. Link an account with: /);
  await link(scene, api, ann);
  t.regex((await cli.run(['repositories', 'admin'])).stdout, /^ann\/shop-admin {2}127.*pushed /);
  t.regex(
    (await cli.run(['repositories', 'zzz'])).stdout,
    /^Your linked accounts may push to no .* 'zzz'\. Link another /,
  );
  const sent = await cli.run(['send', 'Mend it', '--repo', 'ann/shop']);
  t.is(sent.code, 0, sent.stderr);
  t.is((await cli.run(['send', 'Mend it again', '--repo', 'shop-admin'])).code, 0);
  const projects = listProjectNames(server.db, session.user.id).map(({ name }) => name);
  t.deepEqual(projects.sort(), ['shop', 'shop-admin']);
  t.regex(
    (await cli.run(['send', 'x', '--repo', 'ann/sho'])).stderr,
    /^You may push to no repository 'ann\/sho'\. Did you mean ann\/shop/,
  );
  t.regex((await cli.run(['send', 'x', '--repo', 'bob/nothing'])).stderr, /names no host/);
});

test('the owner lists the forges, and has the server forget an app', async (t) => {
  const scene = await signInScene(t);
  const { session } = await scene.server.person();
  const cli = await CommandLine.create(t);
  await cli.run(['login', '--server', scene.server.url, '--email', session.user.email], { stdin: `${PASSWORD}\n` });
  t.regex(
    (await cli.run(['forges'])).stdout,
    /github {2}registered by the settings\n.*webhooks go to: https:\/\/errand/s,
  );
  t.regex(
    (await cli.run(['forge', 'forget', scene.github.host, '--yes'])).stderr,
    /The settings of the server name the app/,
  );
  t.regex((await cli.run(['forge', 'forget', 'nowhere.example', '--yes'])).stderr, /nowhere\.example/);
});
