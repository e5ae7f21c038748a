import type {
  DeviceStarted,
  LinkedAccount,
  SignInFinish,
  SignInStart,
  SignInStarted,
  SignInWay,
} from '../../../protocol/forges.ts';
import type { Session } from '../../../protocol/accounts.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Config } from '../../base/config.ts';
import { networkOf } from '../../base/network-of.ts';
import { Rate } from '../../base/rate.ts';
import type { External, ExternalLogins } from '../../auth/external-logins.ts';
import type { Client, Identity } from '../../auth/identity.ts';
import type { Flow, Flows } from './flows.ts';
import type { LinkedAccounts } from './linked-accounts.ts';
import type { Way } from './way.ts';
import type { Ways } from './ways.ts';

type Dependencies = {
  config: Pick<Config, 'public_url'>;
  ways: Ways;
  flows: Flows;
  logins: ExternalLogins;
  links: LinkedAccounts;
  now: () => number;
};

/** The address of the app that a forge sends the browser back to. */
export const CALLBACK_PATH = '/signed-in';

/** Not decided yet: ask again after this many seconds. */
type Pending = { again_s: number };

/**
 * Signs people in, and links accounts, with a forge or the identity provider: in a browser, or by a code that one types
 * elsewhere. The browser always comes back to one address of the server's own: no request says where.
 */
export class SignIn {
  readonly #deps: Dependencies;
  readonly #rate: Rate;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
    this.#rate = new Rate(
      LIMITS.sign_ins_per_minute_max,
      'Too many sign-ins come from your address.',
      dependencies.now,
    );
  }

  ways(): SignInWay[] {
    return this.#deps.ways.all().map(({ id, kind, name, device }) => ({ id, kind, name, device }));
  }

  /** Begins in a browser. `origin`: the address that the request came to. `who`: who links; undefined: signs in. */
  async start(
    way_id: string,
    given: SignInStart,
    { origin, client, who }: { origin: string; client: Client; who?: Identity },
  ): Promise<SignInStarted> {
    this.#rate.take(networkOf(client.address));
    const way = this.#deps.ways.require(way_id);
    const { flow, text } = this.#deps.flows.begin({ ...purposeOf(who), ...given, way: way.id, ...this.#back(origin) });
    return { url: (await way.authorizeUrl(flow)).href, flow: text };
  }

  async finish(input: SignInFinish, client: Client): Promise<Session> {
    const { flow, external } = await this.#comeBack(input, client, undefined);
    return this.#deps.logins.logIn(external, startOf(flow), client);
  }

  async finishLink(input: SignInFinish, who: Identity, client: Client): Promise<LinkedAccount> {
    const { external } = await this.#comeBack(input, client, who);
    return this.#link(external, who, client);
  }

  async startDevice(way_id: string, given: SignInStart, client: Client, who?: Identity): Promise<DeviceStarted> {
    this.#rate.take(networkOf(client.address));
    const way = this.#deps.ways.require(way_id);
    const { device_code, ...shown } = await deviceOf(way).start();
    const { text } = this.#deps.flows.begin({
      ...purposeOf(who),
      ...given,
      way: way.id,
      redirect_uri: '',
      device: device_code,
    });
    return { ...shown, expires_in: Math.min(shown.expires_in, LIMITS.sign_in_s), flow: text };
  }

  async finishDevice(text: string, client: Client): Promise<Session | Pending> {
    const polled = await this.#poll(text, client, undefined);
    if ('again_s' in polled) return polled;
    return this.#deps.logins.logIn(polled.external, startOf(polled.flow), client);
  }

  async finishDeviceLink(text: string, who: Identity, client: Client): Promise<LinkedAccount | Pending> {
    const polled = await this.#poll(text, client, who);
    return 'again_s' in polled ? polled : this.#link(polled.external, who, client);
  }

  async #comeBack({ flow: text, answer }: SignInFinish, client: Client, who: Identity | undefined) {
    this.#rate.take(networkOf(client.address));
    const { flows, ways } = this.#deps;
    const flow = flows.open(text, purposeOf(who).purpose, who?.user_id);
    if (flow.device !== undefined) throw new ErrandError('link_invalid', 'This sign-in waits for a code: begin again.');
    // A wrong answer uses it up, too: there is one try.
    flows.use(flow);
    return { flow, external: await ways.require(flow.way).finish(flow, answer) };
  }

  async #poll(text: string, client: Client, who: Identity | undefined) {
    this.#rate.take(networkOf(client.address));
    const { flows, ways } = this.#deps;
    const flow = flows.open(text, purposeOf(who).purpose, who?.user_id);
    if (flow.device === undefined) throw new ErrandError('link_invalid', 'This sign-in needs a browser: begin again.');
    const polled = await deviceOf(ways.require(flow.way)).poll(flow.device);
    if ('again_s' in polled) return polled;
    flows.use(flow);
    return { flow, ...polled };
  }

  #link(external: External, who: Identity, client: Client): LinkedAccount {
    return this.#deps.links.view(this.#deps.logins.link(external, who, client));
  }

  #back(origin: string): { redirect_uri: string } {
    return { redirect_uri: `${this.#deps.config.public_url ?? origin}${CALLBACK_PATH}` };
  }
}

function purposeOf(who: Identity | undefined): Pick<Flow, 'purpose' | 'user_id'> {
  return who ? { purpose: 'link', user_id: who.user_id } : { purpose: 'sign_in' };
}

function startOf({ setup_code, invite }: Flow): SignInStart {
  return { ...(setup_code !== undefined && { setup_code }), ...(invite !== undefined && { invite }) };
}

function deviceOf({ by_device, name }: Way): NonNullable<Way['by_device']> {
  if (by_device) return by_device;
  throw new ErrandError('conflict', `${name} has no sign-in by a code: sign in with the app in a browser.`);
}
