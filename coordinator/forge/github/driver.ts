import { z } from 'zod';
import type { ForgeDriver } from '../forge-driver.ts';
import { apiRoot } from './api-root.ts';
import { convert, formAddress, installAddress, manifest } from './app-manifest.ts';
import { gitHubClient } from './github-client.ts';
import { installationToken } from './installation-token.ts';

/** The client ids of GitHub Apps, as opposed to those of OAuth apps. */
const GITHUB_APP_CLIENT = /^Iv/;
/** What ids and logins look like: others would make another address. */
const ID = /^\d+$/;
const LOGIN = /^[\w-]+$/;
const Membership = z.object({ state: z.string() });

/** GitHub: github.com, or an Enterprise server. */
export const github: ForgeDriver = {
  openClient: gitHubClient,
  oauth: {
    authorize_path: '/login/oauth/authorize',
    token_path: '/login/oauth/access_token',
    device: {
      path: '/login/device/code',
      how_to_allow: 'its owner can tick "Enable Device Flow" in its settings there',
    },
    // A GitHub App has its permissions from GitHub and asks for none.
    scope: (client_id) => (GITHUB_APP_CLIENT.test(client_id) ? undefined : 'repo read:org workflow'),
    revoke: async (calls, { origin, client_id, client_secret }, access_token) => {
      const url = new URL(`${apiRoot(origin)}/applications/${encodeURIComponent(client_id)}/grant`);
      await calls.removeAs({ client_id, client_secret }, url, { access_token });
    },
  },
  confirms_email: true,
  isMember: async (calls, origin, organization, { token }) => {
    const url = new URL(`${apiRoot(origin)}/user/memberships/orgs/${encodeURIComponent(organization)}`);
    return (await calls.find(Membership, url, { token }))?.state === 'active';
  },
  // GitHub refuses pushes that publish an address which the person keeps private.
  commitEmail: (origin, { id, login }) =>
    ID.test(id) && LOGIN.test(login) ? `${id}+${login}@users.noreply.${new URL(origin).hostname}` : undefined,
  apps: { formAddress, manifest, convert, installAddress, installationToken },
};
