import { atLeast, type Repository } from '../../world.ts';
import type { App, Installation } from '../../apps.ts';
import { actor, notFound, ok, page, Refusal, ssoHeader, type Call, type Handlers } from '../call.ts';

/** GitHub Apps: their creation from a manifest, installations, and tokens. */
export const apps: Handlers = {
  'GET /app': (call) => ok(call.github.render.app(appOf(call))),
  'GET /app/installations': (call) => {
    const app = appOf(call);
    const { items, headers } = page(
      call,
      call.github.apps.installations.filter((one) => one.app === app),
    );
    return ok(
      items.map((one) => call.github.render.installation(one)),
      headers,
    );
  },
  'GET /repos/{owner}/{repo}/installation': (call) => {
    const app = appOf(call);
    const { world, apps, render } = call.github;
    const { owner = '', repo = '' } = call.params;
    const repository = world.repository(owner, repo) ?? world.moved.get(`${owner}/${repo}`.toLowerCase());
    const installation = repository && apps.installationOf(app, repository);
    if (installation === undefined) throw notFound();
    return ok(render.installation(installation));
  },
  'POST /app/installations/{installation_id}/access_tokens': (call) => {
    const app = appOf(call);
    const { apps, render } = call.github;
    const installation = apps.installations.find(({ id }) => String(id) === call.params['installation_id']);
    if (installation?.app !== app) throw notFound();
    if (installation.suspended_at !== null) throw new Refusal(403, 'This installation has been suspended');
    return {
      status: 201,
      body: render.installationToken(apps.installationToken(installation, onlyOf(call, installation))),
    };
  },
  'GET /installation/repositories': (call) => {
    const installation = call.token?.installation;
    if (!installation) throw new Refusal(403, 'Resource not accessible by integration');
    return ok(...repositoriesOf(call, installation));
  },
  'GET /user/installations': (call) => {
    const { apps, world, render } = call.github;
    const self = actor(call);
    if (call.token?.kind !== 'user')
      throw new Refusal(403, 'You must authenticate with an access token authorized to a GitHub App.');
    const all = apps.installations.filter(
      ({ app, account }) =>
        app === call.token?.app &&
        world.repositories.some((one) => one.owner === account && atLeast(world.permission(self, one), 'read')),
    );
    const shown = all.filter(({ account }) => !call.github.sso.has(account));
    const { items, headers } = page(call, shown);
    const left_out = ssoHeader(
      call,
      all.map(({ account }) => account),
    );
    const body = { total_count: shown.length, installations: items.map((one) => render.installation(one)) };
    return ok(body, { ...headers, ...left_out });
  },
  'GET /user/installations/{installation_id}/repositories': (call) => {
    actor(call);
    const installation = call.github.apps.installations.find(({ id }) => String(id) === call.params['installation_id']);
    if (installation === undefined || installation.app !== call.token?.app) throw notFound();
    return ok(...repositoriesOf(call, installation));
  },
  'POST /app-manifests/{code}/conversions': (call) => {
    const app = call.github.sign_in.convert(call.params['code'] ?? '');
    if (app === undefined) throw notFound();
    const { client_id, client_secret, webhook_secret, pem } = app;
    return { status: 201, body: { ...call.github.render.app(app), client_id, client_secret, webhook_secret, pem } };
  },
  'DELETE /applications/{client_id}/token': (call) => {
    revoke(call, (value) => call.github.apps.tokens.filter((one) => one.value === value));
    return { status: 204 };
  },
  'DELETE /applications/{client_id}/grant': (call) => {
    revoke(call, (value) => {
      const { tokens } = call.github.apps;
      const of = tokens.find((one) => one.value === value);
      return tokens.filter((one) => of && one.person === of.person && one.app === of.app);
    });
    return { status: 204 };
  },
};

function appOf({ app }: Call): App {
  if (app === null) throw new Refusal(401, 'A JSON web token could not be decoded');
  return app;
}

function repositoriesOf(call: Call, { app, account, repositories }: Installation): [object, Record<string, string>] {
  const { world, apps, render } = call.github;
  const all = world.repositories
    .filter((one) => one.owner === account && (repositories === 'all' || repositories.has(one)))
    .filter((one) => atLeast(apps.permission(call.token, one), 'read') && call.token?.app === app);
  const { items, headers } = page(call, all);
  const rendered = items.map((one) => render.repository(one, apps.permission(call.token, one)));
  return [{ total_count: all.length, repository_selection: 'all', repositories: rendered }, headers];
}

/** The repositories that a token is wished for, by their names of today or their ids; null: all. */
function onlyOf({ body, github }: Call, installation: Installation): Set<Repository> | null {
  const { repositories, repository_ids } = body;
  const wished = [repositories, repository_ids].flatMap((list) => (Array.isArray(list) ? list.map(String) : []));
  if (wished.length === 0) return null;
  const found = github.world.repositories.filter(
    (one) =>
      (wished.includes(one.name) || wished.includes(String(one.id))) &&
      github.apps.installationOf(installation.app, one) === installation,
  );
  if (found.length < wished.length)
    throw new Refusal(
      422,
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    );
  return new Set(found);
}

/** These calls bear the client's id and secret, as Basic credentials. */
function revoke(call: Call, find: (value: unknown) => { revoked: boolean }[]): void {
  if (call.app === null || call.app.client_id !== call.params['client_id']) throw notFound();
  const found = find(call.body['access_token']);
  if (found.length === 0) throw new Refusal(422, 'Validation Failed');
  for (const token of found) token.revoked = true;
}
