import test from 'ava';
import { Api } from '../../../support/api.ts';
import { PASSWORD } from '../../../support/start-api.ts';
import { agree, link, signIn, signInScene } from '../../../support/forge/sign-in-scene.ts';
import type { Person } from '../../../support/forge/world.ts';
import { until } from '../../../support/until.ts';

test('who may sign up: logins and members of organisations that the owner lists, and nobody else', async (t) => {
  const scene = await signInScene(t, { ERRAND_SIGNUP_LOGINS: 'user:Ben, org:acme, hal, elsewhere.example/cleo' });
  await scene.server.person('owner@example.org');
  const { world } = scene.github;
  const acme = world.addPerson('acme', { type: 'Organization' });
  const dora = world.addPerson('dora', { email: null });
  acme.members.add(dora);
  t.is((await signIn(scene, world.addPerson('ben'))).user.role, 'member');
  t.regex((await signIn(scene, dora)).user.email, /^\d+\+dora@users\.noreply\./);
  // An organisation is listed as such: who makes one that is called like a listed login lets nobody in.
  const gil = world.addPerson('gil');
  world.addPerson('hal', { type: 'Organization' }).members.add(gil);
  for (const login of ['cleo', 'benn', 'gil']) {
    const started = await scene.anyone.call('startSignIn', { params: { id: scene.way }, body: {} });
    const answer = await agree(started, login === 'gil' ? gil : world.addPerson(login));
    const problem = await scene.anyone.refused('finishSignIn', { body: { flow: started.flow, answer } });
    t.is(problem.code, 'signup_closed', login);
  }
});

test('a forge that does not say who is a member closes nothing: the sign-in is to be tried again', async (t) => {
  const scene = await signInScene(t, { ERRAND_SIGNUP_LOGINS: 'org:acme' });
  await scene.server.person('owner@example.org');
  const dora = scene.github.world.addPerson('dora');
  scene.github.world.addPerson('acme', { type: 'Organization' }).members.add(dora);
  for (const status of [500, 502, 503, 429]) {
    scene.github.intercept = ({ url = '' }, response) => {
      if (!url.includes('/memberships/')) return false;
      response.writeHead(status).end('{"message": "Not now."}');
      return true;
    };
    await t.throwsAsync(signIn(scene, dora), { message: /upstream_unreachable/ }, String(status));
  }
  scene.github.intercept = undefined;
  t.is((await signIn(scene, dora)).user.role, 'member');
});

test('a forge that refuses to say who is a member lets nobody in, and the log says why', async (t) => {
  const scene = await signInScene(t, { ERRAND_SIGNUP_LOGINS: 'org:acme' });
  await scene.server.person('owner@example.org');
  const dora = scene.github.world.addPerson('dora');
  const said = () => scene.server.lines.filter((line) => line.includes('membership not read'));
  scene.github.world.addPerson('acme', { type: 'Organization' });
  await t.throwsAsync(signIn(scene, dora), { message: /signup_closed/ });
  t.deepEqual(said(), [], 'who is no member is no fault');
  scene.github.intercept = ({ url = '' }, response) => {
    if (!url.includes('/memberships/')) return false;
    response.writeHead(403).end('{"message": "Resource not accessible by integration"}');
    return true;
  };
  await t.throwsAsync(signIn(scene, dora), { message: /signup_closed/ });
  t.is(said().length, 1);
  const { level, forge, organization, err } = JSON.parse(said()[0] ?? '{}');
  t.deepEqual([level, forge, organization], [40, scene.github.origin, 'acme']);
  t.regex(err.message, /403: Resource not accessible/);
});

test('what an unlinked account has allowed is revoked at the forge, also that of a deleted account', async (t) => {
  for (const how of ['unlinked', 'deleted', 'unlinked late', 'removed'] as const) {
    const scene = await signInScene(t, { ERRAND_SIGNUP: 'open' });
    const { github, server } = scene;
    const owner = await server.person('owner@example.org');
    const { api, session } = await server.person('ann@example.org');
    const ann = github.world.addPerson('ann');
    const { id } = await link(scene, api, ann);
    const ben = github.world.addPerson('ben');
    await link(scene, owner.api, ben);
    if (how === 'unlinked late') {
      server.clock.ahead_ms += 9 * 3_600_000;
      github.world.now = () => Date.now() + server.clock.ahead_ms;
    }
    if (how === 'deleted') await api.call('deleteMe', { body: { password: PASSWORD } });
    else if (how === 'removed') await owner.api.call('removePerson', { params: { id: session.user.id } });
    else {
      const { access_token } = await api.call('login', { body: { email: 'ann@example.org', password: PASSWORD } });
      await new Api(server.url, access_token).call('deleteLinkedAccount', { params: { id } });
    }
    const left = (person: Person) => github.apps.tokens.filter((one) => one.person === person && !one.revoked).length;
    await until(`${how}: it is revoked`, () => left(ann) === 0);
    t.is(left(ben), 1, 'that of others is not');
  }
});
