import { ACCOUNT_ROUTES } from './account-routes.ts';
import * as api from './api.ts';
import { ProjectSaved } from './project-saved.ts';
import * as info from './server-info.ts';
import { DELIVERY_ROUTES } from './delivery-routes.ts';
import { FORGE_ROUTES } from './forge-routes.ts';
import { NOTIFICATION_ROUTES } from './notification-routes.ts';
import { OWNER_ROUTES } from './owner-routes.ts';
import { PEOPLE_ROUTES } from './people-routes.ts';
import type { Route } from './route.ts';
import { SCHEDULE_ROUTES } from './schedule-routes.ts';
import { TASK_ROUTES } from './task-routes.ts';
import { TOKEN_ROUTES } from './token-routes.ts';

/** Every route of the public API, by name. */
export const ROUTES = {
  ...ACCOUNT_ROUTES,
  ...TOKEN_ROUTES,
  ...OWNER_ROUTES,
  ...PEOPLE_ROUTES,
  ...NOTIFICATION_ROUTES,
  ...DELIVERY_ROUTES,
  ...FORGE_ROUTES,

  createProject: {
    method: 'post',
    path: '/projects',
    summary: 'Create a project',
    description:
      'Its name must differ from those of your other projects, ignoring case. Unless check is false, the server first checks that it can ' +
      'read the repository: a wrong address or token is `invalid`, an unreachable forge is `upstream_unreachable`, and `errors` names the field.',
    auth: 'user',
    scope: 'projects',
    idempotent: true,
    body: api.ProjectCreate,
    status: 201,
    response: ProjectSaved,
    errors: ['conflict', 'idempotency_conflict', 'rate_limited', 'upstream_unreachable'],
  },
  listProjects: {
    method: 'get',
    path: '/projects',
    summary: 'Projects, newest first',
    auth: 'user',
    scope: 'read',
    query: api.PageQuery,
    status: 200,
    response: api.ProjectPage,
    errors: [],
  },
  getProject: {
    method: 'get',
    path: '/projects/:id',
    summary: 'One project',
    auth: 'user',
    scope: 'read',
    params: api.ById,
    status: 200,
    response: api.Project,
    errors: ['not_found'],
  },
  patchProject: {
    method: 'patch',
    path: '/projects/:id',
    summary: 'Change a project',
    description:
      'Absent fields stay unchanged, and null removes a value. `env` and `secrets` change the variables that they name: the others ' +
      'stay. A repo_url with another scheme, host or port removes git_token and ' +
      'git_username, unless new ones are given: a token is never sent to a host that it was not given for. Existing tasks keep their ' +
      'repository. If the address or the token changes, the server checks the repository as for a new project.',
    auth: 'user',
    scope: 'projects',
    params: api.ById,
    body: api.ProjectPatch,
    status: 200,
    response: ProjectSaved,
    errors: ['not_found', 'conflict', 'rate_limited', 'upstream_unreachable'],
  },
  deleteProject: {
    method: 'delete',
    path: '/projects/:id',
    summary: 'Delete a project, with its secrets, its tasks and their logs',
    description: 'It is refused while one of its tasks has not ended. Pushed branches stay in the repository.',
    auth: 'user',
    scope: 'projects',
    params: api.ById,
    status: 204,
    errors: ['not_found', 'conflict'],
  },

  ...TASK_ROUTES,
  ...SCHEDULE_ROUTES,

  server: {
    method: 'get',
    path: '/server',
    summary: 'What this server offers you: models, defaults and bounds',
    auth: 'user',
    scope: 'read',
    status: 200,
    response: info.ServerInfo,
    errors: [],
  },
  openapi: {
    method: 'get',
    path: '/openapi.json',
    summary: 'This OpenAPI document',
    auth: 'none',
    status: 200,
    errors: [],
  },
  asyncapi: {
    method: 'get',
    path: '/asyncapi.json',
    summary: 'The AsyncAPI document of the WebSocket',
    auth: 'none',
    status: 200,
    errors: [],
  },
  schemas: {
    method: 'get',
    path: '/schemas.json',
    summary: 'The JSON Schemas of everything that crosses a wire, the worker contract included',
    auth: 'none',
    status: 200,
    errors: [],
  },
  healthz: {
    method: 'get',
    path: '/healthz',
    summary: 'The process responds',
    auth: 'none',
    status: 200,
    response: info.Health,
    errors: [],
  },
  readyz: {
    method: 'get',
    path: '/readyz',
    summary: 'The server can do its work',
    auth: 'none',
    status: 200,
    response: info.Readiness,
    errors: ['unavailable'],
  },
  metrics: {
    method: 'get',
    path: '/metrics',
    summary: 'Metrics for the operator of the server',
    description:
      'In the Prometheus text format. It needs ERRAND_METRICS_TOKEN as bearer token; without that setting the route does not exist.',
    auth: 'operator',
    status: 200,
    media_type: 'text/plain; version=0.0.4; charset=utf-8',
    errors: ['not_found'],
  },
} as const satisfies Record<string, Route>;

/** The name of a route; `ROUTES[name]` is the route. */
export type RouteName = keyof typeof ROUTES;
/** The names of all routes. */
export const ROUTE_NAMES = Object.keys(ROUTES) as RouteName[];
