import test, { type ExecutionContext } from 'ava';
import { listForges } from '../../../coordinator/sqlite/forges.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { startGitHub } from '../../support/forge/github/stand-in.ts';
import { startApi } from '../../support/start-api.ts';

async function webhookScene(t: ExecutionContext) {
  const github = await startGitHub(t);
  const ada = github.world.addPerson('ada');
  const app = github.apps.addApp(ada, { name: 'Errand' });
  github.apps.install(app, ada);
  const { url, db } = await startApi(t, {
    ERRAND_GITHUB_ORIGIN: github.origin,
    ERRAND_GITHUB_CLIENT_ID: app.client_id,
    ERRAND_GITHUB_CLIENT_SECRET: app.client_secret,
    ERRAND_GITHUB_WEBHOOK_SECRET: app.webhook_secret,
    ERRAND_PRIVATE_HOSTS: '127.0.0.1',
  });
  const demo = await github.world.addRepository({ owner: ada, name: 'demo' });
  const [forge] = listForges(db).filter(({ origin }) => origin === github.origin);
  const send = (headers: Record<string, string>, body: string | Uint8Array, id = forge?.id) =>
    fetch(`${url}/forges/${id}/webhook`, { method: 'POST', headers, body: Buffer.from(body) });
  return { github, app, demo, ada, send };
}

test('a webhook is stored before it is answered, and known when it comes again', async (t) => {
  const { github, demo, ada, send } = await webhookScene(t);
  github.openIssue(demo, ada, { title: 'It fails', body: 'Look: ü' });
  const [hook] = github.hooks.sent;
  if (!hook) return t.fail();
  const first = await send(hook.headers, hook.body);
  t.is(first.status, 202);
  t.deepEqual(await first.json(), { delivery: 'stored' });
  t.deepEqual(await (await send(hook.headers, hook.body)).json(), { delivery: 'known' });
  t.is((await send(hook.headers, `${hook.body} `)).status, 403);
  t.is((await send(hook.headers, hook.body, '0'.repeat(20))).status, 404);
  t.is((await send(hook.headers, hook.body, 'x')).status, 404);
  t.is((await send({}, '')).status, 403);
});

test('the length of a webhook is limited', async (t) => {
  const { send } = await webhookScene(t);
  const headers = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` };
  t.is((await send(headers, new Uint8Array(LIMITS.delivery_bytes_max))).status, 403);
  t.is((await send(headers, new Uint8Array(LIMITS.delivery_bytes_max + 1))).status, 413);
});

test('a webhook of an unknown forge, or without a signature, is refused before its body is read', async (t) => {
  const { send } = await webhookScene(t);
  const long = new Uint8Array(LIMITS.delivery_bytes_max + 1);
  const signature = `sha256=${'0'.repeat(64)}`;
  for (const headers of [{}, { 'x-hub-signature-256': 'sha256=12' }, { 'x-hub-signature': signature }])
    t.is((await send(headers, long)).status, 403);
  t.is((await send({ 'x-hub-signature-256': signature }, long, '0'.repeat(20))).status, 404);
});
