import { createHash, createPrivateKey } from 'node:crypto';
import test from 'ava';
import { SignJWT } from 'jose';
import type { GitHub } from './github.ts';
import { startGitHub } from './stand-in.ts';

type Fields = Record<string, string>;

async function post({ origin }: GitHub, path: string, fields: Fields): Promise<Response> {
  const headers = { accept: 'application/json' };
  return fetch(origin + path, { method: 'POST', body: new URLSearchParams(fields), headers, redirect: 'manual' });
}

const ask = async (github: GitHub, path: string, fields: Fields): Promise<Fields> =>
  (await (await post(github, path, fields)).json()) as Fields;

/** Where a page leads. */
const target = (response: Response): URL => new URL(response.headers.get('location') ?? '');

/** The status of a call with this token. */
const status = async ({ api }: GitHub, token = '', path = '/user'): Promise<number> =>
  (await fetch(api + path, { headers: { authorization: `Bearer ${token}` } })).status;

const CALLBACK = 'http://errand.test/callback';

test('an app is made from a manifest, whose code works once, and proves itself with its key', async (t) => {
  const github = await startGitHub(t);
  const { world, api, sign_in } = github;
  const ada = world.addPerson('ada');
  await world.addRepository({ owner: ada, name: 'demo', private: true });
  sign_in.browser = ada;
  const manifest = { name: 'My Errand', url: 'http://errand.test', redirect_url: 'http://errand.test/made' };
  const form = { manifest: JSON.stringify({ ...manifest, callback_urls: [CALLBACK] }) };
  const made = target(await post(github, '/settings/apps/new?state=abc', form));
  t.is(made.searchParams.get('state'), 'abc');
  const conversion = `${api}/app-manifests/${made.searchParams.get('code')}/conversions`;
  const app = (await (await fetch(conversion, { method: 'POST' })).json()) as Fields;
  t.is((await fetch(conversion, { method: 'POST' })).status, 404);
  const { client_id = '', pem = '', slug = '' } = app;
  const now_s = Math.floor(Date.now() / 1000);
  const sign = (claims: SignJWT) => claims.setProtectedHeader({ alg: 'RS256' }).sign(createPrivateKey(pem));
  const jwt = await sign(new SignJWT({ iss: client_id, iat: now_s - 30, exp: now_s + 300 }));
  t.is(await status(github, jwt, '/app'), 200);
  t.is(await status(github, jwt, '/repos/ada/demo/installation'), 404);
  await fetch(`${github.origin}/apps/${slug}/installations/new`);
  t.is(await status(github, jwt, '/repos/ada/demo/installation'), 200);
  const long = await sign(new SignJWT({ iss: client_id, iat: now_s - 30, exp: now_s + 3_600 }));
  t.is(await status(github, long, '/app'), 401);
});

test('a person signs in once per code; their token ends by a refresh, and in time', async (t) => {
  const github = await startGitHub(t);
  const { world, apps, origin, sign_in } = github;
  const ada = world.addPerson('ada');
  await world.addRepository({ owner: ada, name: 'demo', private: true });
  sign_in.browser = ada;
  const app = apps.addApp(ada, { name: 'Errand', callback_urls: [CALLBACK] });
  const { client_id, client_secret } = app;
  const verifier = 'v'.repeat(43);
  const code_challenge = createHash('sha256').update(verifier).digest('base64url');
  const query = { client_id, redirect_uri: CALLBACK, state: 's', code_challenge, code_challenge_method: 'S256' };
  const authorize = (fields: Fields) =>
    fetch(`${origin}/login/oauth/authorize?${new URLSearchParams(fields).toString()}`, { redirect: 'manual' });
  t.is((await authorize({ ...query, redirect_uri: 'http://evil.test/' })).status, 400);
  const code = target(await authorize(query)).searchParams.get('code') ?? '';
  const exchange = { client_id, client_secret, code, redirect_uri: CALLBACK };
  const token = (fields: Fields) => ask(github, '/login/oauth/access_token', fields);
  t.is((await token({ ...exchange, code_verifier: 'wrong' }))['error'], 'bad_verification_code');
  const granted = await token({ ...exchange, code_verifier: verifier });
  t.is((await token({ ...exchange, code_verifier: verifier }))['error'], 'bad_verification_code');
  t.is(await status(github, granted['access_token']), 200);
  t.is(await status(github, granted['access_token'], '/repos/ada/demo'), 404, 'the app is not installed there');
  apps.install(app, ada);
  t.is(await status(github, granted['access_token'], '/repos/ada/demo'), 200);
  const { refresh_token = '' } = granted;
  const refresh = { client_id, client_secret, grant_type: 'refresh_token', refresh_token };
  const renewed = await token(refresh);
  t.is(await status(github, granted['access_token']), 401);
  t.is((await token(refresh))['error'], 'bad_refresh_token');
  t.is(await status(github, renewed['access_token']), 200);
  world.now = () => Date.now() + 9 * 3_600_000;
  t.is(await status(github, renewed['access_token']), 401);
});

test('a device signs in once the person has typed its code', async (t) => {
  const github = await startGitHub(t);
  const { world, apps, sign_in } = github;
  const ada = world.addPerson('ada');
  const { client_id } = apps.addApp(ada, { name: 'Errand' });
  const { device_code = '', user_code = '' } = await ask(github, '/login/device/code', { client_id });
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
  const poll = () => ask(github, '/login/oauth/access_token', { client_id, device_code, grant_type });
  t.is((await poll())['error'], 'authorization_pending');
  t.is((await poll())['error'], 'slow_down');
  sign_in.enterDeviceCode(user_code, ada);
  world.now = () => Date.now() + 30_000;
  t.truthy((await poll())['access_token']);
  t.is((await poll())['error'], 'incorrect_device_code');
});
