import { createHash } from 'node:crypto';
import { agreePage } from '../agree-page.ts';
import type { App, Apps, Token } from '../apps.ts';
import type { Json } from './shapes.ts';
import { secret, type Person, type World } from '../world.ts';

type Code = {
  app: App;
  person: Person;
  redirect_uri: string;
  challenge: string | null;
  used: boolean;
  expires_at: number;
};
type Device = {
  device_code: string;
  user_code: string;
  app: App;
  person: Person | 'denied' | null;
  expires_at: number;
  interval_s: number;
  asked_at: number | null;
};

const CODE_MS = 600_000;
const DEVICE_MS = 900_000;
const MANIFEST_MS = 3_600_000;

/** What GitHub's pages for people answer: another page, or a way to another address. */
export type PageReply = { redirect: string } | { status: number; html: string };

/** GitHub's sign-in for applications: web flow with PKCE, device flow, refresh, and apps created from a manifest. */
export class SignIn {
  /** Who is signed in at GitHub in the browser, and agrees to all; null: the page asks. */
  browser: Person | null = null;
  readonly devices: Device[] = [];
  readonly #codes = new Map<string, Code>();
  readonly #manifests = new Map<string, { manifest: Json; owner: Person; expires_at: number }>();
  readonly #world: World;
  readonly #apps: Apps;

  constructor(world: World, apps: Apps) {
    this.#world = world;
    this.#apps = apps;
  }

  /** `GET /login/oauth/authorize`. `as`: who agrees, by login; `deny`: they do not. */
  authorize(query: URLSearchParams): PageReply {
    const app = this.#apps.apps.find(({ client_id }) => client_id === query.get('client_id'));
    if (app === undefined) return { status: 404, html: 'Not Found' };
    const redirect_uri = query.get('redirect_uri') ?? app.callback_urls[0] ?? '';
    if (!app.callback_urls.includes(redirect_uri))
      return { status: 400, html: 'The redirect_uri is not associated with this application.' };
    const back = new URL(redirect_uri);
    const state = query.get('state');
    if (state !== null) back.searchParams.set('state', state);
    if (query.has('deny')) {
      back.searchParams.set('error', 'access_denied');
      return { redirect: back.href };
    }
    const method = query.get('code_challenge_method');
    if (query.has('code_challenge') && method !== 'S256')
      return { status: 400, html: 'The code_challenge_method must be S256.' };
    const person = this.#world.person(query.get('as') ?? '') ?? this.browser;
    if (person === null) return { status: 200, html: agreePage(this.#world, app.name, query) };
    if (!this.#apps.mayAuthorize(app, person)) return { status: 404, html: 'Not Found' };
    const code = secret('').slice(0, 20);
    const expires_at = this.#world.now() + CODE_MS;
    this.#codes.set(code, {
      app,
      person,
      redirect_uri,
      challenge: query.get('code_challenge'),
      used: false,
      expires_at,
    });
    back.searchParams.set('code', code);
    return { redirect: back.href };
  }

  /** `POST /login/oauth/access_token`. Errors have the status 200. */
  accessToken(body: Record<string, string>): Json {
    const app = this.#apps.apps.find(({ client_id }) => client_id === body['client_id']);
    if (app === undefined) return fault('incorrect_client_credentials');
    if (body['grant_type'] === DEVICE_GRANT) return this.#deviceToken(app, body['device_code'] ?? '');
    if (body['client_secret'] !== app.client_secret) return fault('incorrect_client_credentials');
    if (body['grant_type'] === 'refresh_token') return this.#refresh(app, body['refresh_token'] ?? '');
    const code = this.#codes.get(body['code'] ?? '');
    if (code === undefined || code.app !== app || code.used || code.expires_at < this.#world.now())
      return fault('bad_verification_code');
    if (body['redirect_uri'] !== undefined && body['redirect_uri'] !== code.redirect_uri)
      return fault('redirect_uri_mismatch');
    const challenge = createHash('sha256')
      .update(body['code_verifier'] ?? '')
      .digest('base64url');
    if (code.challenge !== null && code.challenge !== challenge) return fault('bad_verification_code');
    code.used = true;
    return this.#granted(this.#apps.userToken(code.person, app));
  }

  /** `POST /login/device/code`. */
  deviceCode(body: Record<string, string>, origin: string): Json {
    const app = this.#apps.apps.find(({ client_id }) => client_id === body['client_id']);
    if (app === undefined) return fault('incorrect_client_credentials');
    if (!app.device_flow) return fault('device_flow_disabled');
    const user_code = secret('')
      .slice(0, 8)
      .toUpperCase()
      .replace(/^(.{4})/, '$1-');
    const device_code = secret('').slice(0, 40);
    const expires_at = this.#world.now() + DEVICE_MS;
    this.devices.push({ device_code, user_code, app, person: null, expires_at, interval_s: 5, asked_at: null });
    const times = { expires_in: DEVICE_MS / 1000, interval: 5 };
    return { device_code, user_code, verification_uri: `${origin}/login/device`, ...times };
  }

  /** The person types the code at `/login/device`; null: they refuse. */
  enterDeviceCode(user_code: string, person: Person | null): void {
    const device = this.devices.find((one) => one.user_code === user_code);
    if (device === undefined) throw new Error(`There is no code ${user_code}.`);
    device.person = person ?? 'denied';
  }

  /** `POST /settings/apps/new`, with the manifest of the form. `as`: who creates the app, by login. */
  manifest(manifest: Json, state: string | null, owner: Person | null): PageReply {
    const person = owner ?? this.browser;
    if (person === null) return { status: 401, html: 'Sign in to GitHub first.' };
    const hook = manifest['hook_attributes'] as Json | undefined;
    const redirect_url = manifest['redirect_url'];
    if (typeof manifest['url'] !== 'string' || typeof redirect_url !== 'string')
      return { status: 422, html: 'Error: "url" and "redirect_url" are needed.' };
    if (hook !== undefined && typeof hook['url'] !== 'string')
      return { status: 422, html: 'Error: Hook url is needed.' };
    const code = secret('').slice(0, 40);
    this.#manifests.set(code, { manifest, owner: person, expires_at: this.#world.now() + MANIFEST_MS });
    const back = new URL(redirect_url);
    back.searchParams.set('code', code);
    if (state !== null) back.searchParams.set('state', state);
    return { redirect: back.href };
  }

  /** The app of a manifest's code, which works once. */
  convert(code: string): App | undefined {
    const found = this.#manifests.get(code);
    this.#manifests.delete(code);
    if (found === undefined || found.expires_at < this.#world.now()) return undefined;
    const { manifest, owner } = found;
    const hook = manifest['hook_attributes'] as { url: string } | undefined;
    return this.#apps.addApp(owner, {
      name: typeof manifest['name'] === 'string' ? manifest['name'] : 'Errand',
      hook_url: hook?.url ?? null,
      callback_urls: (manifest['callback_urls'] as string[] | undefined) ?? [],
      setup_url: (manifest['setup_url'] as string | undefined) ?? null,
      public: manifest['public'] === true,
      device_flow: false,
    });
  }

  #deviceToken(app: App, device_code: string): Json {
    const device = this.devices.find((one) => one.device_code === device_code && one.app === app);
    if (device === undefined) return fault('incorrect_device_code');
    if (device.expires_at < this.#world.now()) return fault('expired_token');
    const { asked_at } = device;
    device.asked_at = this.#world.now();
    if (asked_at !== null && device.asked_at - asked_at < device.interval_s * 1000) {
      device.interval_s += 5;
      return { ...fault('slow_down'), interval: device.interval_s };
    }
    if (device.person === 'denied') return fault('access_denied');
    if (device.person === null) return fault('authorization_pending');
    this.devices.splice(this.devices.indexOf(device), 1);
    return this.#granted(this.#apps.userToken(device.person, app));
  }

  #refresh(app: App, value: string): Json {
    const old = this.#apps.tokens.find(({ refresh }) => refresh?.value === value);
    if (old?.app !== app || old.revoked || (old.refresh?.expires_at ?? 0) < this.#world.now() || old.person === null)
      return fault('bad_refresh_token');
    // Both the old access token and the old refresh token end.
    old.revoked = true;
    return this.#granted(this.#apps.userToken(old.person, app));
  }

  #granted({ value, expires_at, refresh }: Token): Json {
    const seconds = (at: number | null | undefined) => Math.round(((at ?? 0) - this.#world.now()) / 1000);
    return {
      access_token: value,
      expires_in: seconds(expires_at),
      refresh_token: refresh?.value,
      refresh_token_expires_in: seconds(refresh?.expires_at),
      scope: '',
      token_type: 'bearer',
    };
  }
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

function fault(error: string): Json {
  return { error, error_description: `The stand-in says: ${error}.`, error_uri: 'https://docs.github.com/apps' };
}
