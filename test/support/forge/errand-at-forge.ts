import type { ExecutionContext } from 'ava';
import type { ForgeKind, SignInStarted } from '../../../protocol/forges.ts';
import type { Session } from '../../../protocol/accounts.ts';
import { Api } from '../api.ts';
import { startErrand, type WholeErrand } from '../errand.ts';
import { freePort } from '../free-port.ts';
import type { ModelOptions } from '../model/server.ts';
import type { App } from './apps.ts';
import { Gitea } from './gitea/gitea.ts';
import { addSignIn } from './gitea/sign-in.ts';
import { startGitea } from './gitea/stand-in.ts';
import type { GitHub } from './github/github.ts';
import { startGitHub } from './github/stand-in.ts';
import type { SentHook } from './hooks.ts';
import { agree } from './sign-in-scene.ts';
import type { Person, Repository } from './world.ts';

/** All of Errand, registered at a forge by its settings. The forge's webhooks reach it over HTTP. */
export class ErrandAtForge {
  readonly kind: ForgeKind;
  readonly forge: GitHub | Gitea;
  readonly whole: WholeErrand;
  /** Where people, browsers and webhooks reach the server. */
  readonly url: string;
  /** The server as the forge knows it. */
  readonly app: App;
  /** In whose name the server itself writes there. */
  readonly bot: Person;
  /** A client that is not logged in. */
  readonly anyone: Api;
  /** The id of the way to sign in, which is that of the forge. */
  readonly way: string;

  static async start(t: ExecutionContext, kind: ForgeKind, model: ModelOptions = {}): Promise<ErrandAtForge> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const { forge, app, bot, env } = kind === 'github' ? await gitHubFor(t, url) : await giteaFor(t, url);
    const whole = await startErrand(t, {
      runner: 'process',
      model,
      env: { ...env, PORT: String(port), ERRAND_PUBLIC_URL: url, ERRAND_PRIVATE_HOSTS: forge.host },
    });
    const anyone = new Api(url);
    const [way] = (await anyone.call('listSignInWays', {})).items;
    const scene = new ErrandAtForge({ kind, forge, whole, url, app, bot, anyone, way: way?.id ?? '' });
    const webhook_url = `${url}/forges/${scene.way}/webhook`;
    if (forge instanceof Gitea) forge.webhooks.hook.url = webhook_url;
    else app.hook_url = webhook_url;
    return scene;
  }

  private constructor(
    parts: Pick<ErrandAtForge, 'kind' | 'forge' | 'whole' | 'url' | 'app' | 'bot' | 'anyone' | 'way'>,
  ) {
    this.kind = parts.kind;
    this.forge = parts.forge;
    this.whole = parts.whole;
    this.url = parts.url;
    this.app = parts.app;
    this.bot = parts.bot;
    this.anyone = parts.anyone;
    this.way = parts.way;
  }

  /** A repository where the server may do what it does for people: its app is installed, its account invited. */
  async addRepository(owner: Person, name: string, files: Record<string, string>): Promise<Repository> {
    const repository = await this.forge.world.addRepository({ owner, name, files, private: true });
    // A sign-in at Gitea reaches all that its person does.
    this.forge.apps.install(this.app, owner);
    if (this.kind === 'gitea') repository.permissions.set(this.bot, 'admin');
    return repository;
  }

  /** Begins a sign-in. The first account needs the setup code. */
  begin(): Promise<SignInStarted> {
    const { setup_code } = this.whole.errand;
    const body = setup_code === undefined ? {} : { setup_code };
    return this.anyone.call('startSignIn', { params: { id: this.way }, body });
  }

  /** What the browser of this person comes back with. */
  agree(started: SignInStarted, person: Person): Promise<string> {
    return agree(started, person, this.url);
  }

  /** Signs a person in as a browser does, without one. */
  async signIn(person: Person): Promise<{ api: Api; session: Session }> {
    const started = await this.begin();
    const body = { flow: started.flow, answer: await this.agree(started, person) };
    const session = await this.anyone.call('finishSignIn', { body });
    return { api: new Api(this.url, session.access_token), session };
  }

  /** The webhooks that were sent, once all are answered. */
  async webhooks(): Promise<SentHook[]> {
    const hooks = this.forge instanceof Gitea ? this.forge.webhooks.hooks : this.forge.hooks;
    await hooks.settled();
    return hooks.sent;
  }
}

async function gitHubFor(t: ExecutionContext, url: string) {
  const forge = await startGitHub(t);
  const maker = forge.world.addPerson('maker');
  const app = forge.apps.addApp(maker, { name: 'Errand', callback_urls: [`${url}/signed-in`] });
  const env = {
    ERRAND_GITHUB_ORIGIN: forge.origin,
    ERRAND_GITHUB_CLIENT_ID: app.client_id,
    ERRAND_GITHUB_CLIENT_SECRET: app.client_secret,
    ERRAND_GITHUB_APP_ID: String(app.id),
    ERRAND_GITHUB_APP_SLUG: app.slug,
    ERRAND_GITHUB_PRIVATE_KEY: app.pem,
    ERRAND_GITHUB_WEBHOOK_SECRET: app.webhook_secret,
  };
  return { forge, app, bot: app.bot, env };
}

async function giteaFor(t: ExecutionContext, url: string) {
  const forge = await startGitea(t);
  const app = addSignIn(forge, `${url}/signed-in`);
  const bot = forge.world.addPerson('errand-bot');
  const env = {
    ERRAND_GITEA_ORIGIN: forge.origin,
    ERRAND_GITEA_CLIENT_ID: app.client_id,
    ERRAND_GITEA_CLIENT_SECRET: app.client_secret,
    ERRAND_GITEA_BOT_TOKEN: forge.apps.personalToken(bot).value,
    ERRAND_GITEA_WEBHOOK_SECRET: forge.webhooks.hook.secret,
  };
  return { forge, app, bot, env };
}
