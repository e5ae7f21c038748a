import type { FORGE_ROUTES } from '../../protocol/forge-routes.ts';
import type { Auth } from '../auth/auth.ts';
import type { ForgeAccounts } from '../forge/accounts/forge-accounts.ts';
import type { Handlers } from './router.ts';

/** Sign-in with forges, linked accounts, and the repositories to pick from. */
export function forgeHandlers(
  { accounts, external_logins, logins }: Auth,
  forge_accounts: ForgeAccounts,
): Pick<Handlers, keyof typeof FORGE_ROUTES> {
  const { grants, links, manifest, repositories } = forge_accounts;
  const sign_in = forge_accounts.signIn(external_logins);
  return {
    listSignInWays: () => ({ items: sign_in.ways(), signup: logins.takesAnybody() }),
    startSignIn: ({ params, body, client, origin }) => sign_in.start(params.id, body, { origin, client }),
    finishSignIn: ({ body, client }) => sign_in.finish(body, client),
    startDeviceSignIn: ({ params, body, client }) => sign_in.startDevice(params.id, body, client),
    finishDeviceSignIn: async ({ body, client }) => {
      const answer = await sign_in.finishDevice(body.flow, client);
      return 'again_s' in answer ? { session: null, interval_s: answer.again_s } : { session: answer, interval_s: 1 };
    },
    listLinkedAccounts: ({ who }) => ({ items: links.list(who.user_id) }),
    startLink: async ({ params, body, who, client, origin }) => {
      await accounts.confirm(who, body.password, client);
      return sign_in.start(params.id, {}, { origin, client, who });
    },
    finishLink: ({ body, who, client }) => sign_in.finishLink(body, who, client),
    startDeviceLink: async ({ params, body, who, client }) => {
      await accounts.confirm(who, body.password, client);
      return sign_in.startDevice(params.id, {}, client, who);
    },
    finishDeviceLink: async ({ body, who, client }) => {
      const answer = await sign_in.finishDeviceLink(body.flow, who, client);
      return 'again_s' in answer ? { account: null, interval_s: answer.again_s } : { account: answer, interval_s: 1 };
    },
    deleteLinkedAccount: async ({ params, who, client }) => {
      await grants.whileRemoving(who.user_id, () => external_logins.unlink(who, params.id, client));
      return undefined;
    },
    listRepositories: ({ who, query }) => repositories.list(who.user_id, query),
    listForges: ({ who }) => {
      accounts.requireOwner(who);
      return { items: forge_accounts.views() };
    },
    startForgeApp: ({ params, body, who, origin }) => {
      accounts.requireOwner(who);
      return manifest.start(params.id, body, who, origin);
    },
    finishForgeApp: ({ body, who, client, requireLiving }) => {
      accounts.requireOwner(who);
      return manifest.finish(body, who, client, requireLiving);
    },
    deleteForgeApp: ({ params, who, client }) => {
      accounts.requireOwner(who);
      manifest.forget(params.id, who, client);
      return undefined;
    },
  };
}
