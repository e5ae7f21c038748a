import type { IncomingMessage } from 'node:http';
import type { Reply } from './call.ts';
import type { Json } from './shapes.ts';
import type { PageReply } from './sign-in.ts';
import type { GitHub } from './github.ts';

/** GitHub's pages for browsers, and its addresses for sign-in. */
export function webPage(github: GitHub, { method, headers }: IncomingMessage, url: URL, bytes: Buffer): Reply {
  const { sign_in, world } = github;
  const as = world.person(url.searchParams.get('as') ?? '') ?? null;
  const fields = () => fieldsOf(bytes, headers['content-type']);
  switch (`${method} ${url.pathname.replace(/^\/organizations\/[^/]+/, '')}`) {
    case 'GET /login/oauth/authorize':
      return page(sign_in.authorize(url.searchParams));
    case 'POST /login/oauth/access_token':
      return answer(sign_in.accessToken(fields()), headers.accept);
    case 'POST /login/device/code':
      return answer(sign_in.deviceCode(fields(), github.origin), headers.accept);
    case 'POST /settings/apps/new':
      return page(
        sign_in.manifest(JSON.parse(fields()['manifest'] ?? '{}') as Json, url.searchParams.get('state'), as),
      );
    default:
      return install(github, url) ?? log(github, url) ?? { status: 404, body: 'Not Found' };
  }
}

/** `/apps/<slug>/installations/new?at=<login>` installs the app at that account, or at that of who is signed in. */
function install({ apps, world, sign_in }: GitHub, { pathname, searchParams }: URL): Reply | undefined {
  const slug = /^\/apps\/([^/]+)\/installations\/new$/.exec(pathname)?.[1];
  const app = apps.apps.find((one) => one.slug === slug);
  const account = world.person(searchParams.get('at') ?? '') ?? sign_in.browser;
  if (app === undefined || account === null) return undefined;
  const { id } =
    apps.installations.find((one) => one.app === app && one.account === account) ?? apps.install(app, account);
  if (app.setup_url === null) return { status: 200, body: `${app.name} is installed.` };
  const back = new URL(app.setup_url);
  back.searchParams.set('installation_id', String(id));
  back.searchParams.set('setup_action', 'install');
  const state = searchParams.get('state');
  if (state !== null) back.searchParams.set('state', state);
  return page({ redirect: back.href });
}

function log({ world }: GitHub, { pathname }: URL): Reply | undefined {
  const id = /^\/_logs\/(\d+)$/.exec(pathname)?.[1];
  const check = world.repositories.flatMap(({ checks }) => checks).find((one) => String(one.id) === id);
  if (check === undefined || check.log === null) return undefined;
  return { status: 200, body: check.log, headers: { 'content-type': 'text/plain; charset=utf-8' } };
}

function page(reply: PageReply): Reply {
  return 'redirect' in reply
    ? { status: 302, headers: { location: reply.redirect } }
    : { status: reply.status, body: reply.html };
}

/** JSON only if it is asked for; else as a form. */
function answer(fields: Json, accept = ''): Reply {
  if (accept.includes('json')) return { status: 200, body: fields };
  const texts = Object.entries(fields).map(([name, value]): [string, string] => [name, String(value)]);
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  return { status: 200, body: new URLSearchParams(texts).toString(), headers };
}

function fieldsOf(bytes: Buffer, type = ''): Record<string, string> {
  if (type.includes('json')) return JSON.parse(bytes.toString()) as Record<string, string>;
  return Object.fromEntries(new URLSearchParams(bytes.toString()));
}
