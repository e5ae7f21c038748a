import { z } from 'zod';
import type { ForgeDriver } from '../forge-driver.ts';
import { apiRoot, giteaClient } from './gitea-client.ts';

/** Gitea and Forgejo: both have one API. */
export const gitea: ForgeDriver = {
  openClient: giteaClient,
  oauth: {
    authorize_path: '/login/oauth/authorize',
    token_path: '/login/oauth/access_token',
    scope: () => 'read:user read:organization write:repository write:issue',
  },
  // Nobody may have confirmed the address that it shows.
  confirms_email: false,
  isMember: async (calls, origin, organization, { login, token }) => {
    const names = [organization, login].map(encodeURIComponent);
    const url = new URL(`${apiRoot(origin)}/orgs/${names.join('/members/')}`);
    return (await calls.find(z.unknown(), url, { token })) !== undefined;
  },
};
