import { z } from 'zod';
import type { Calls } from '../calls.ts';
import type { AppWish, MadeApp } from '../forge-driver.ts';
import { apiRoot, isCloud } from './api-root.ts';

/** What GitHub answers for the code of a new app. */
const Made = z
  .object({
    id: z.number().int().positive(),
    slug: z.string().min(1).max(100),
    client_id: z.string().min(1).max(100),
    client_secret: z.string().min(1),
    pem: z.string().min(1),
    webhook_secret: z.string().nullish(),
  })
  .transform(({ id, pem, webhook_secret, ...rest }): MadeApp => {
    return { ...rest, app_id: String(id), private_key: pem, webhook_secret: webhook_secret || undefined };
  });

/** What Errand does at GitHub: branches and pull requests, comments, checks and their logs, who is a member. */
const PERMISSIONS = {
  actions: 'read',
  checks: 'read',
  contents: 'write',
  issues: 'write',
  members: 'read',
  metadata: 'read',
  pull_requests: 'write',
  statuses: 'read',
  // Without it GitHub refuses every branch that changes a workflow, and merges of one.
  workflows: 'write',
};
const EVENTS = [
  'check_run',
  'issue_comment',
  'issues',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'repository',
  'status',
];
const NAME_CHARS_MAX = 34;

/** Where the owner's browser posts the manifest to. */
export function formAddress(origin: string, organization: string | undefined): URL {
  const path = organization === undefined ? '/settings/apps/new' : `/organizations/${organization}/settings/apps/new`;
  return new URL(path, origin);
}

/** What the app is to be. GitHub takes no webhook that it cannot reach, and no events without one. */
export function manifest({ base_url, callback_url, webhook_url, is_public }: AppWish): Record<string, unknown> {
  return {
    name: `Errand ${new URL(base_url).hostname}`.slice(0, NAME_CHARS_MAX),
    url: base_url,
    description: 'Sends errands to a server of your own: it opens pull requests and answers their reviews.',
    redirect_url: callback_url,
    callback_urls: [callback_url],
    setup_url: `${base_url}/settings/accounts`,
    public: is_public,
    default_permissions: PERMISSIONS,
    ...(webhook_url !== undefined && {
      hook_attributes: { url: webhook_url, active: true },
      default_events: EVENTS,
    }),
  };
}

/** The app's id, secrets and key, which GitHub hands out once. Undefined: it does not know the code. */
export function convert(calls: Calls, origin: string, code: string): Promise<MadeApp | undefined> {
  const url = new URL(`${apiRoot(origin)}/app-manifests/${encodeURIComponent(code)}/conversions`);
  return calls.api(Made, url, { method: 'POST' });
}

/** Where people install the app. An Enterprise server has the pages of apps at another path. */
export function installAddress(origin: string, slug: string): string {
  return `${origin}/${isCloud(origin) ? 'apps' : 'github-apps'}/${slug}/installations/new`;
}
