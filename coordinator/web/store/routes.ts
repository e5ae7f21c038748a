/** The addresses of the app. `:id` stands for one part of the path. No route of the API has one of them. */
export const ROUTES = {
  inbox: '/',
  new_errand: '/new',
  archived: '/archived',
  errand: '/errands/:id',
  changes: '/errands/:id/changes',
  decision: '/errands/:id/decision',
  /** Where a forge or the identity provider sends the browser back to. */
  signed_in: '/signed-in',
  settings: '/settings',
  accounts: '/settings/accounts',
  notifications: '/settings/notifications',
  owner: '/settings/server',
  projects: '/settings/projects',
  new_project: '/settings/projects/new',
  project: '/settings/projects/:id',
  schedules: '/settings/schedules',
  new_schedule: '/settings/schedules/new',
  schedule: '/settings/schedules/:id',
} as const;

/** The query of an address that is asked of the server, although the device has kept the page. */
export const PAST_CACHE = 'from-server';

/** The path of the app as a whole: empty, unless a proxy serves it below a path, such as `/errand`. */
export const BASE = basePath();

export type RouteName = keyof typeof ROUTES;

/** The path of a route, as links have it. */
export function pathOf(name: RouteName, params: { id?: string } = {}): string {
  return BASE + ROUTES[name].replace(':id', params.id ?? '');
}

/** How many folders a path of the app is below the app's first one. */
export function depthOf(path: string): number {
  return Math.max(0, path.split('/').length - 2);
}

/** Whether a path is an address of the app. */
export function isRoute(path: string): boolean {
  return Object.values(ROUTES).some((route) => new RegExp(`^${route.replace(':id', '[0-9a-z]{1,40}')}$`).test(path));
}

/**
 * Whether a URL is an address of the app whose first one is `base`, such as `https://home.example/errand/`. Other
 * apps may be on the same host: above it, beside it or below it.
 */
export function isOfApp(base: string, url: string): boolean {
  return url.startsWith(base) && isRoute(`/${url.slice(base.length).replace(/[?#].*$/s, '')}`);
}

/** The page says where the app is. Outside of a page, as in the build, there is none. */
function basePath(): string {
  const { document } = globalThis as { document?: { baseURI: string } };
  return document ? new URL('.', document.baseURI).pathname.replace(/\/$/, '') : '';
}
