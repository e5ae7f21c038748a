import type { SignInStarted } from '../../../protocol/forges.ts';
import { Api } from '../api.ts';
import type { Ends } from '../folder.ts';
import { PASSWORD, startApi, type StartedApi } from '../start-api.ts';
import { startGitHub } from './github/stand-in.ts';
import type { GitHub } from './github/github.ts';
import type { App } from './apps.ts';
import type { Person } from './world.ts';

export const PUBLIC_URL = 'https://errand.example.org';

export type SignInScene = {
  github: GitHub;
  app: App;
  server: StartedApi;
  /** A client that is not logged in. */
  anyone: Api;
  /** The id of the way to sign in with GitHub. */
  way: string;
};

/** A server that is registered at a stand-in for GitHub, by its settings. */
export async function signInScene(t: Ends, env: Record<string, string> = {}): Promise<SignInScene> {
  const github = await startGitHub(t);
  const maker = github.world.addPerson('maker');
  const app = github.apps.addApp(maker, { name: 'Errand', callback_urls: [`${PUBLIC_URL}/signed-in`] });
  const server = await startApi(t, {
    ERRAND_PUBLIC_URL: PUBLIC_URL,
    ERRAND_GITHUB_ORIGIN: github.origin,
    ERRAND_GITHUB_CLIENT_ID: app.client_id,
    ERRAND_GITHUB_CLIENT_SECRET: app.client_secret,
    ERRAND_GITHUB_APP_ID: String(app.id),
    ERRAND_GITHUB_PRIVATE_KEY: app.pem,
    ERRAND_PRIVATE_HOSTS: new URL(github.origin).host,
    ERRAND_SIGNUP: 'closed',
    ...env,
  });
  const anyone = new Api(server.url);
  const { items } = await anyone.call('listSignInWays', {});
  return { github, app, server, anyone, way: items[0]?.id ?? '' };
}

/** What the browser of this person comes back with, as the query of the address; with `error`, if they refuse. */
export async function agree(
  { url }: Pick<SignInStarted, 'url'>,
  as: Person | 'refuses',
  public_url = PUBLIC_URL,
): Promise<string> {
  const at = new URL(url);
  if (as === 'refuses') at.searchParams.set('deny', '1');
  else at.searchParams.set('as', as.login);
  const response = await fetch(at, { redirect: 'manual' });
  const location = response.headers.get('location');
  if (location === null) throw new Error(`${response.status}: ${await response.text()}`);
  if (!location.startsWith(`${public_url}/signed-in?`)) throw new Error(`It leads to ${location}.`);
  return new URL(location).search;
}

/** Signs a person in, in a browser. */
export async function signIn({ anyone, way }: SignInScene, person: Person, given: Record<string, string> = {}) {
  const started = await anyone.call('startSignIn', { params: { id: way }, body: given });
  return anyone.call('finishSignIn', { body: { flow: started.flow, answer: await agree(started, person) } });
}

/** Links a person's account to the account of `api`, also long after its log-in. */
export async function link({ way }: SignInScene, api: Api, person: Person) {
  const started = await api.call('startLink', { params: { id: way }, body: { password: PASSWORD } });
  return api.call('finishLink', { body: { flow: started.flow, answer: await agree(started, person) } });
}
