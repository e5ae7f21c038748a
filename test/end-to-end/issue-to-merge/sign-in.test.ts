import { testEachForge } from '../../support/forge/each-forge.ts';
import { ErrandAtForge } from '../../support/forge/errand-at-forge.ts';

type Attack = { flow: string; answer: string };

/** What must be refused. `good`: what would be accepted. */
const ATTACKS: Record<string, (at: ErrandAtForge, good: Attack) => Promise<Attack>> = {
  'a wrong state': async (_at, { flow, answer }) => ({ flow, answer: answer.replace(/state=[^&]+/, 'state=guessed') }),
  'no state': async (_at, { flow, answer }) => ({ flow, answer: answer.replace(/&?state=[^&]+/, '') }),
  'a replayed code': async (at, good) => {
    await at.anyone.call('finishSignIn', { body: good });
    return good;
  },
  'a replayed code in a flow of its own': async (at, good) => {
    await at.anyone.call('finishSignIn', { body: good });
    const { flow, url } = await at.begin();
    const code = new URLSearchParams(good.answer).get('code') ?? '';
    return { flow, answer: `?code=${code}&state=${new URL(url).searchParams.get('state')}` };
  },
  "another person's code": async (at, { flow, answer }) => {
    const other = new URLSearchParams(await at.agree(await at.begin(), at.forge.world.addPerson('mallory')));
    other.set('state', new URLSearchParams(answer).get('state') ?? '');
    return { flow, answer: `?${other.toString()}` };
  },
};

testEachForge('a sign-in with a wrong state or a replayed code is refused', async (t, kind) => {
  const at = await ErrandAtForge.start(t, kind);
  const ann = at.forge.world.addPerson('ann');
  await at.signIn(ann);
  for (const [name, attack] of Object.entries(ATTACKS)) {
    const started = await at.begin();
    const body = await attack(at, { flow: started.flow, answer: await at.agree(started, ann) });
    t.is((await at.anyone.refused('finishSignIn', { body })).code, 'link_invalid', name);
  }
});

testEachForge('nobody is sent elsewhere by a sign-in: not by Errand, and not by the forge', async (t, kind) => {
  const at = await ErrandAtForge.start(t, kind);
  const params = { id: at.way };
  const evil = 'https://evil.example/signed-in';
  for (const name of ['redirect_uri', 'return_to', 'next', 'url'])
    t.is((await at.anyone.refused('startSignIn', { params, body: { [name]: evil } })).code, 'invalid', name);
  const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
  const { url } = await at.anyone.call('startSignIn', { params, body: {}, headers });
  t.is(new URL(url).searchParams.get('redirect_uri'), `${at.url}/signed-in`);
  const changed = new URL(url);
  changed.searchParams.set('redirect_uri', evil);
  changed.searchParams.set('as', at.forge.world.addPerson('ann').login);
  const answer = await fetch(changed, { redirect: 'manual' });
  t.deepEqual([answer.status, answer.headers.get('location')], [400, null]);
});
