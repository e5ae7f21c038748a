/** The addresses of the app. `:id` stands for one part of the path. No route of the API has one of them. */
export const ROUTES = {
  inbox: '/',
  new_errand: '/new',
  errand: '/errands/:id',
  changes: '/errands/:id/changes',
  decision: '/errands/:id/decision',
  settings: '/settings',
  projects: '/settings/projects',
  new_project: '/settings/projects/new',
  project: '/settings/projects/:id',
} as const;

export type RouteName = keyof typeof ROUTES;

/** The path of a route. */
export function pathOf(name: RouteName, params: { id?: string } = {}): string {
  return ROUTES[name].replace(':id', params.id ?? '');
}

/** Whether a path is an address of the app. */
export function isRoute(path: string): boolean {
  return Object.values(ROUTES).some((route) => new RegExp(`^${route.replace(':id', '[0-9a-z]{1,40}')}$`).test(path));
}
