import test from 'ava';
import { LIMITS } from '../../../../protocol/limits.ts';
import { Api } from '../../../support/api.ts';
import { PASSWORD } from '../../../support/start-api.ts';
import { agree, link, signIn, signInScene, type SignInScene } from '../../../support/forge/sign-in-scene.ts';

test('the first account may come from GitHub, with the setup code alone, and owns the server', async (t) => {
  const scene = await signInScene(t);
  const ann = scene.github.world.addPerson('ann', { email: 'ann@example.org' });
  const refused = async (given: object) => {
    const started = await scene.anyone.call('startSignIn', { params: { id: scene.way }, body: given });
    const body = { flow: started.flow, answer: await agree(started, ann) };
    return (await scene.anyone.refused('finishSignIn', { body })).code;
  };
  t.is(await refused({}), 'setup_code_wrong');
  t.is(await refused({ setup_code: 'wrong' }), 'setup_code_wrong');
  const session = await signIn(scene, ann, { setup_code: scene.server.setup_code });
  t.deepEqual([session.user.role, session.user.email], ['owner', 'ann@example.org']);
  t.is((await signIn(scene, ann)).user.id, session.user.id);
});

test('an invitation lets somebody sign up with GitHub, once', async (t) => {
  const scene = await signInScene(t);
  const { api } = await scene.server.person('owner@example.org');
  const { code: invite } = await api.call('createInvite', { body: {} });
  const { world } = scene.github;
  t.is((await signIn(scene, world.addPerson('fay'), { invite })).user.role, 'member');
  await t.throwsAsync(signIn(scene, world.addPerson('gus'), { invite }), { message: /link_invalid/ });
});

test('an account with the same e-mail address is not taken over, whoever shows it', async (t) => {
  const scene = await signInScene(t, { ERRAND_SIGNUP: 'open', ERRAND_GIT_TOKEN_USERS: 'boss@example.org' });
  await scene.server.person('owner@example.org');
  for (const email of ['owner@example.org', 'OWNER@example.org', 'boss@example.org']) {
    const person = scene.github.world.addPerson(`x${email.length}${email.charCodeAt(0)}`, { email });
    await t.throwsAsync(signIn(scene, person), { message: /email_taken/ }, email);
  }
});

type Attack = { flow: string; answer: string };
type Attempt = (scene: SignInScene, good: Attack) => Promise<Attack>;

/** Each gives what must be refused. `good`: what would be accepted. */
const ATTACKS: Record<string, Attempt> = {
  'a state of nobody': (_scene, { flow, answer }) =>
    Promise.resolve({ flow, answer: answer.replace(/state=[^&]+/, 'state=guessed') }),
  'no state': (_scene, { flow, answer }) => Promise.resolve({ flow, answer: answer.replace(/state=[^&]+/, '') }),
  "an attacker's code in the victim's browser": async (scene, { flow }) => {
    const other = await scene.anyone.call('startSignIn', { params: { id: scene.way }, body: {} });
    return { flow, answer: await agree(other, scene.github.world.addPerson('attacker')) };
  },
  "an attacker's code with the victim's state: PKCE tells them apart": async (scene, { flow, answer }) => {
    const other = await scene.anyone.call('startSignIn', { params: { id: scene.way }, body: {} });
    const theirs = new URLSearchParams(await agree(other, scene.github.world.addPerson('attacker')));
    theirs.set('state', new URLSearchParams(answer).get('state') ?? '');
    return { flow, answer: `?${theirs.toString()}` };
  },
  'a replay of all of it': async (scene, good) => {
    await scene.anyone.call('finishSignIn', { body: good });
    return good;
  },
  'a second try after a wrong answer': async (scene, good) => {
    const body = { ...good, answer: good.answer.replace(/code=[^&]+/, 'code=wrong') };
    await scene.anyone.refused('finishSignIn', { body });
    return good;
  },
  'the same code in a flow of its own': async (scene, good) => {
    await scene.anyone.call('finishSignIn', { body: good });
    const { flow, url } = await scene.anyone.call('startSignIn', { params: { id: scene.way }, body: {} });
    const code = new URLSearchParams(good.answer).get('code') ?? '';
    return { flow, answer: `?code=${code}&state=${new URL(url).searchParams.get('state')}` };
  },
  'after ten minutes': (scene, good) => {
    scene.server.clock.ahead_ms = LIMITS.sign_in_s * 1000 + 1;
    return Promise.resolve(good);
  },
  'a flow that somebody made up': (_scene, { answer }) => Promise.resolve({ flow: 'bm90IHNlYWxlZA', answer }),
  'a flow that was changed': (_scene, { flow, answer }) =>
    Promise.resolve({ flow: `${flow.slice(0, -2)}${flow.endsWith('AA') ? 'BB' : 'AA'}`, answer }),
  'a flow to link an account': async (scene) => {
    const { api } = await scene.server.person('other@example.org');
    const started = await api.call('startLink', { params: { id: scene.way } });
    return { flow: started.flow, answer: await agree(started, scene.github.world.addPerson('linker')) };
  },
};

for (const [title, attack] of Object.entries(ATTACKS))
  test(`a sign-in is refused: ${title}`, async (t) => {
    const scene = await signInScene(t, { ERRAND_SIGNUP: 'open' });
    await scene.server.person('owner@example.org');
    const { url, flow } = await scene.anyone.call('startSignIn', { params: { id: scene.way }, body: {} });
    const answer = await agree({ url }, scene.github.world.addPerson('victim'));
    const body = await attack(scene, { flow, answer });
    t.is((await scene.anyone.refused('finishSignIn', { body })).code, 'link_invalid');
  });

test('who refuses at GitHub is told so', async (t) => {
  const scene = await signInScene(t);
  const started = await scene.anyone.call('startSignIn', { params: { id: scene.way }, body: {} });
  const body = { flow: started.flow, answer: await agree(started, 'refuses') };
  const { code, detail } = await scene.anyone.refused('finishSignIn', { body });
  t.deepEqual([code, detail], ['forbidden', 'You did not allow it there.']);
});

test('nothing in a request says where the browser goes back to', async (t) => {
  const scene = await signInScene(t);
  for (const extra of ['redirect_uri', 'return_to', 'next', 'url'])
    t.is(
      (
        await scene.anyone.refused('startSignIn', {
          params: { id: scene.way },
          body: { [extra]: 'https://evil.example/' },
        })
      ).code,
      'invalid',
    );
  const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
  const { url } = await scene.anyone.call('startSignIn', { params: { id: scene.way }, body: {}, headers });
  t.is(new URL(url).searchParams.get('redirect_uri'), 'https://errand.example.org/signed-in');
});

test('without a public address the browser comes back to the host that it asked, which must be the server', async (t) => {
  const scene = await signInScene(t, { ERRAND_PUBLIC_URL: '', ERRAND_TRUST_PROXY: 'true' });
  const headers = { 'x-forwarded-host': 'evil.example' };
  const { url } = await scene.anyone.call('startSignIn', { params: { id: scene.way }, body: {}, headers });
  t.is(new URL(url).searchParams.get('redirect_uri'), `${scene.server.url}/signed-in`);
});

test('a blocked person cannot sign in with GitHub', async (t) => {
  const scene = await signInScene(t, { ERRAND_SIGNUP: 'open' });
  const owner = await scene.server.person('owner@example.org');
  const hal = scene.github.world.addPerson('hal');
  const { user } = await signIn(scene, hal);
  await owner.api.call('blockPerson', { params: { id: user.id } });
  await t.throwsAsync(signIn(scene, hal), { message: /account_blocked/ });
});

test('an account is linked, shown, used to log in under a new login, and unlinked', async (t) => {
  const scene = await signInScene(t);
  const { api, session } = await scene.server.person();
  const ida = scene.github.world.addPerson('ida');
  const linked = await link(scene, api, ida);
  t.like(linked, { login: 'ida', kind: 'github', fault: null, way: scene.way });
  ida.login = 'ida-renamed';
  t.is((await signIn(scene, ida)).user.id, session.user.id);
  t.is((await api.call('listLinkedAccounts', {})).items[0]?.login, 'ida-renamed');
  await api.call('deleteLinkedAccount', { params: { id: linked.id } });
  t.deepEqual((await api.call('listLinkedAccounts', {})).items, []);
  await t.throwsAsync(signIn(scene, ida), { message: /signup_closed/ });
  t.is((await api.refused('deleteLinkedAccount', { params: { id: linked.id } })).code, 'not_found');
});

test("nobody links, finishes or unlinks for somebody else; an account elsewhere is one person's", async (t) => {
  const scene = await signInScene(t, { ERRAND_SIGNUP: 'open' });
  const [one, other] = [await scene.server.person(), await scene.server.person()];
  const jo = scene.github.world.addPerson('jo');
  const { id } = await link(scene, one.api, jo);
  await t.throwsAsync(link(scene, other.api, jo), { message: /conflict/ });
  t.is((await other.api.refused('deleteLinkedAccount', { params: { id } })).code, 'not_found');
  const started = await one.api.call('startLink', { params: { id: scene.way } });
  const body = { flow: started.flow, answer: await agree(started, scene.github.world.addPerson('kim')) };
  t.is((await other.api.refused('finishLink', { body })).code, 'link_invalid');
  t.is((await scene.anyone.refused('finishSignIn', { body })).code, 'link_invalid');
});

test('the last way to log in is not unlinked until there is a password', async (t) => {
  const scene = await signInScene(t, { ERRAND_SIGNUP: 'open' });
  await scene.server.person('owner@example.org');
  const lea = scene.github.world.addPerson('lea');
  const session = await signIn(scene, lea);
  const api = new Api(scene.server.url, session.access_token);
  const [linked] = (await api.call('listLinkedAccounts', {})).items;
  const params = { id: linked?.id ?? '' };
  t.is((await api.refused('deleteLinkedAccount', { params })).code, 'conflict');
  // Nobody logs in with a password that was never set.
  for (const password of ['!', ' ', PASSWORD])
    t.is(
      (await scene.anyone.refused('login', { body: { email: session.user.email, password } })).code,
      'wrong_credentials',
    );
  await api.call('changePassword', { body: { new_password: PASSWORD } });
  await api.call('deleteLinkedAccount', { params });
  t.is(
    (await scene.anyone.call('login', { body: { email: session.user.email, password: PASSWORD } })).user.id,
    session.user.id,
  );
});

test('a device signs in by a code that is typed elsewhere, once', async (t) => {
  const scene = await signInScene(t, { ERRAND_SIGNUP: 'open' });
  await scene.server.person('owner@example.org');
  const { github, anyone } = scene;
  const started = await anyone.call('startDeviceSignIn', { params: { id: scene.way }, body: {} });
  t.regex(started.verification_uri, /\/login\/device$/);
  const body = { flow: started.flow };
  t.deepEqual((await anyone.call('finishDeviceSignIn', { body })).session, null);
  // Too early: GitHub asks for a longer pause.
  t.is((await anyone.call('finishDeviceSignIn', { body })).interval_s, 10);
  github.sign_in.enterDeviceCode(started.user_code, github.world.addPerson('nia'));
  const { now } = github.world;
  github.world.now = () => now() + 60_000;
  const { session } = await anyone.call('finishDeviceSignIn', { body });
  t.is(session?.user.role, 'member');
  t.is((await anyone.refused('finishDeviceSignIn', { body })).code, 'link_invalid');
  t.is((await anyone.refused('finishSignIn', { body: { ...body, answer: '?code=x' } })).code, 'link_invalid');
});

test('the audit log has who signed up, linked and unlinked, with the account elsewhere', async (t) => {
  const scene = await signInScene(t);
  const session = await signIn(scene, scene.github.world.addPerson('ora'), { setup_code: scene.server.setup_code });
  const api = new Api(scene.server.url, session.access_token);
  const { id } = await link(scene, api, scene.github.world.addPerson('pia'));
  await api.call('deleteLinkedAccount', { params: { id } });
  const { items } = await api.call('listAudit', { query: {} });
  const issuer = scene.github.origin;
  const found = items
    .filter(({ action }) => action.startsWith('account.'))
    .map(({ action, detail }) => [action, detail['login'], detail['issuer'] === issuer]);
  t.deepEqual(found.toReversed(), [
    ['account.created', 'ora', true],
    ['account.linked', 'ora', true],
    ['account.linked', 'pia', true],
    ['account.unlinked', 'pia', true],
  ]);
});
