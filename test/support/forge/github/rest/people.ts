import type { Repository } from '../../world.ts';
import { atLeast } from '../../world.ts';
import { actor, notFound, ok, page, Refusal, ssoHeader, type Call, type Handlers } from '../call.ts';

/** Accounts, organisations, and the repositories that one may pick. */
export const people: Handlers = {
  'GET /user': (call) => ok(call.github.render.self(person(call))),
  'GET /user/emails': (call) => {
    const { email } = person(call);
    return ok(email === null ? [] : [{ email, primary: true, verified: true, visibility: 'private' }]);
  },
  'GET /user/orgs': (call) => {
    const self = person(call);
    const { items, headers } = page(
      call,
      call.github.world.people.filter(({ members }) => members.has(self)),
    );
    return ok(
      items.map((one) => call.github.render.organisation(one)),
      headers,
    );
  },
  'GET /user/repos': (call) => {
    const self = person(call);
    const { world, sso, render } = call.github;
    const own = visible(call)
      .filter((one) => one.owner === self || one.permissions.has(self) || one.owner.members.has(self))
      .sort(sorting(call));
    const { items, headers } = page(
      call,
      own.filter(({ owner }) => !sso.has(owner)),
    );
    const left_out = ssoHeader(
      call,
      own.map(({ owner }) => owner),
    );
    // What the person may do, also where an app through which they call may do less.
    const rendered_own = items.map((one) => render.repository(one, world.permission(self, one), 'repository'));
    return ok(rendered_own, { ...headers, ...left_out });
  },
  'GET /user/memberships/orgs/{org}': (call) => {
    const organisation = call.github.world.person(call.params['org'] ?? '');
    const self = person(call);
    if (organisation === undefined || !organisation.members.has(self)) throw notFound();
    const { render, api } = call.github;
    return ok({
      url: `${api}/orgs/${organisation.login}/memberships/${self.login}`,
      state: 'active',
      role: 'member',
      organization_url: `${api}/orgs/${organisation.login}`,
      organization: render.organisation(organisation),
      user: render.user(self),
    });
  },
  'GET /users/{username}': (call) => {
    const found = call.github.world.person(call.params['username'] ?? '');
    if (found === undefined) throw notFound();
    return ok(call.github.render.self(found));
  },
  'GET /orgs/{org}/members/{username}': (call) => {
    const { world } = call.github;
    const organisation = world.person(call.params['org'] ?? '');
    const member = world.person(call.params['username'] ?? '');
    if (organisation === undefined || member === undefined || !organisation.members.has(member)) throw notFound();
    return { status: 204 };
  },
  'GET /rate_limit': () => {
    const limit = { limit: 5000, used: 1, remaining: 4999, reset: 1_800_000_000 };
    return ok({ resources: { core: limit, search: limit }, rate: limit });
  },
  'GET /search/repositories': (call) => {
    const words = (call.query.get('q') ?? '').split(/\s+/).filter(Boolean);
    const plain = words.filter((word) => !word.includes(':')).map((word) => word.toLowerCase());
    const owners = words.flatMap((word) => /^(?:user|org):(.+)$/.exec(word)?.slice(1) ?? []);
    const all = visible(call).filter(
      ({ name, owner }) =>
        plain.every((word) => name.toLowerCase().includes(word)) &&
        (owners.length === 0 || owners.some((one) => one.toLowerCase() === owner.login.toLowerCase())),
    );
    const { items, headers } = page(call, all);
    const found = items.map((one) => ({ ...rendered(call, 'repo-search-result-item')(one), score: 1 }));
    return ok({ total_count: all.length, incomplete_results: false, items: found }, headers);
  },
};

function person(call: Call) {
  const self = actor(call);
  if (self.type !== 'User') throw new Refusal(403, 'Resource not accessible by integration');
  return self;
}

function visible({ github, token }: Call): Repository[] {
  return github.world.repositories.filter((one) => atLeast(github.apps.permission(token, one), 'read'));
}

function rendered({ github, token }: Call, schema = 'repository') {
  return (one: Repository) => github.render.repository(one, github.apps.permission(token, one), schema);
}

/** By default by name; `sort=pushed` has the newest push first. */
function sorting({ query }: Call): (one: Repository, other: Repository) => number {
  const pushed = (one: Repository, other: Repository) => other.pushed_at.localeCompare(one.pushed_at);
  return query.get('sort') === 'pushed' ? pushed : (one, other) => one.name.localeCompare(other.name);
}
