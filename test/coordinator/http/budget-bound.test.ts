import test from 'ava';
import type { Api } from '../../support/api.ts';
import { startApi } from '../../support/start-api.ts';
import { sendErrand } from '../../support/send-errand.ts';

const repo_url = 'https://github.com/a/b';

/** Every way in which a person sets a budget, and what it is then. */
const WAYS: Record<string, (api: Api, budget_usd: number) => Promise<number | null>> = {
  'a new errand': async (api, budget_usd) =>
    (await api.call('createTask', { body: { prompt: 'x', repo_url, budget_usd } })).budget_usd,
  'a new project': async (api, budget_usd) =>
    (await api.call('createProject', { body: { name: `P${budget_usd}`, repo_url, budget_usd } })).budget_usd,
  'a changed project': async (api, budget_usd) => {
    const { id } = await api.call('createProject', { body: { name: `Q${budget_usd}`, repo_url } });
    return (await api.call('patchProject', { params: { id }, body: { budget_usd } })).budget_usd;
  },
  'a message': async (api, budget_usd) => {
    const { id } = await sendErrand(api);
    await api.call('createMessage', { params: { id }, body: { text: 'go on', budget_usd } });
    return (await api.call('getTask', { params: { id } })).budget_usd;
  },
  'a retry': async (api, budget_usd) => {
    const { id } = await sendErrand(api);
    await api.call('cancelTask', { params: { id } });
    return (await api.call('retryTask', { params: { id }, body: { budget_usd } })).budget_usd;
  },
};

for (const [way, set] of Object.entries(WAYS))
  test(`${way} of a member has at most the budget that the server allows, and the owner's any`, async (t) => {
    const server = await startApi(t, { ERRAND_BUDGET_USD: '2', ERRAND_MEMBER_BUDGET_USD_MAX: '7.5' });
    const [owner, member] = [await server.person(), await server.person()];
    t.is(await set(member.api, 7.5), 7.5);
    for (const above of [7.51, 1000])
      await t.throwsAsync(set(member.api, above), { message: /"code":"forbidden".*"\/budget_usd"/ });
    t.is(await set(owner.api, 1000), 1000);
  });

test("without a bound of its own a member's errand has at most the server's budget", async (t) => {
  const server = await startApi(t, { ERRAND_BUDGET_USD: '2' });
  const [owner, member] = [await server.person(), await server.person()];
  t.is((await sendErrand(member.api)).budget_usd, 2);
  await t.throwsAsync(member.api.call('createTask', { body: { prompt: 'x', repo_url, budget_usd: 2.01 } }), {
    message: /forbidden/,
  });
  t.is((await sendErrand(owner.api)).budget_usd, 2);
});

test('a bound below the default, or below what a project has from before, holds for new errands', async (t) => {
  const server = await startApi(t, { ERRAND_BUDGET_USD: '5', ERRAND_MEMBER_BUDGET_USD_MAX: '1' });
  const [owner, member] = [await server.person(), await server.person()];
  t.is((await sendErrand(member.api)).budget_usd, 1);
  t.is((await sendErrand(owner.api)).budget_usd, 5);
  const { id: project_id } = await member.api.call('createProject', { body: { name: 'P', repo_url } });
  server.db.prepare('UPDATE projects SET budget_usd = 800').run();
  t.is((await member.api.call('createTask', { body: { prompt: 'x', project_id } })).budget_usd, 1);
});
