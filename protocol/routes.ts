import { z } from 'zod';
import { ACCOUNT_ROUTES } from './account-routes.ts';
import * as api from './api.ts';
import { Id } from './ids.ts';
import { OWNER_ROUTES } from './owner-routes.ts';
import type { Route } from './route.ts';
import { TOKEN_ROUTES } from './token-routes.ts';
import { Task, TaskDetail } from './task.ts';

const byId = z.object({ id: Id });

/** Every route of the public API, by name. */
export const ROUTES = {
  ...ACCOUNT_ROUTES,
  ...TOKEN_ROUTES,
  ...OWNER_ROUTES,

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
    response: api.ProjectSaved,
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
    params: byId,
    status: 200,
    response: api.Project,
    errors: ['not_found'],
  },
  patchProject: {
    method: 'patch',
    path: '/projects/:id',
    summary: 'Change a project',
    description:
      'Absent fields stay unchanged, and null removes a value. A repo_url with another scheme, host or port removes git_token and ' +
      'git_username, unless new ones are given: a token is never sent to a host that it was not given for. Existing tasks keep their ' +
      'repository. If the address or the token changes, the server checks the repository as for a new project.',
    auth: 'user',
    scope: 'projects',
    params: byId,
    body: api.ProjectPatch,
    status: 200,
    response: api.ProjectSaved,
    errors: ['not_found', 'conflict', 'rate_limited', 'upstream_unreachable'],
  },
  deleteProject: {
    method: 'delete',
    path: '/projects/:id',
    summary: 'Delete a project, with its secrets, its tasks and their logs',
    description: 'It is refused while one of its tasks is queued or running. Pushed branches stay in the repository.',
    auth: 'user',
    scope: 'projects',
    params: byId,
    status: 204,
    errors: ['not_found', 'conflict'],
  },

  createTask: {
    method: 'post',
    path: '/task',
    summary: 'Send an errand',
    description: 'A repository whose host does not exist, or has a private address that is not allowed, is `invalid`.',
    auth: 'user',
    scope: 'tasks',
    idempotent: true,
    body: api.TaskCreate,
    status: 201,
    response: Task,
    errors: ['not_found', 'forbidden', 'idempotency_conflict', 'unavailable'],
  },
  listTasks: {
    method: 'get',
    path: '/tasks',
    summary: 'Tasks, newest first',
    auth: 'user',
    scope: 'read',
    query: api.TasksQuery,
    status: 200,
    response: api.TaskPage,
    errors: [],
  },
  getTask: {
    method: 'get',
    path: '/tasks/:id',
    summary: 'One task and its attempts',
    auth: 'user',
    scope: 'read',
    params: byId,
    status: 200,
    response: TaskDetail,
    errors: ['not_found'],
  },
  listEvents: {
    method: 'get',
    path: '/tasks/:id/events',
    summary: "A task's log, oldest first",
    auth: 'user',
    scope: 'read',
    params: byId,
    query: api.EventsQuery,
    status: 200,
    response: api.EventPage,
    errors: ['not_found'],
  },
  getDiff: {
    method: 'get',
    path: '/tasks/:id/diff',
    summary: 'What the task changed',
    auth: 'user',
    scope: 'read',
    params: byId,
    status: 200,
    response: api.Diff,
    errors: ['not_found'],
  },
  createMessage: {
    method: 'post',
    path: '/tasks/:id/messages',
    summary: 'Send a message to a task; a task that has ended is resumed',
    auth: 'user',
    scope: 'tasks',
    params: byId,
    idempotent: true,
    body: api.MessageCreate,
    status: 202,
    response: api.MessageReceived,
    errors: ['not_found', 'conflict', 'idempotency_conflict', 'unavailable'],
  },
  cancelTask: {
    method: 'post',
    path: '/tasks/:id/cancel',
    summary: 'Cancel a task; its work so far is pushed',
    description:
      'A task that is cancelled already gets the same response. A task that ended otherwise is a `conflict`.',
    auth: 'user',
    scope: 'tasks',
    params: byId,
    idempotent: true,
    status: 202,
    response: Task,
    errors: ['not_found', 'conflict', 'idempotency_conflict'],
  },
  retryTask: {
    method: 'post',
    path: '/tasks/:id/retry',
    summary: 'Retry a failed or cancelled task, from where it stopped; or end its wait for a limit or an outage',
    auth: 'user',
    scope: 'tasks',
    params: byId,
    idempotent: true,
    body: api.TaskRetry,
    status: 202,
    response: Task,
    errors: ['not_found', 'conflict', 'idempotency_conflict', 'unavailable'],
  },
  deleteTask: {
    method: 'delete',
    path: '/tasks/:id',
    summary: 'Delete a task that has ended, with its log; its pushed branch stays in the repository',
    auth: 'user',
    scope: 'tasks',
    params: byId,
    status: 204,
    errors: ['not_found', 'conflict'],
  },

  openapi: {
    method: 'get',
    path: '/openapi.json',
    summary: 'This OpenAPI document',
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
    response: api.Health,
    errors: [],
  },
  readyz: {
    method: 'get',
    path: '/readyz',
    summary: 'The server can do its work',
    auth: 'none',
    status: 200,
    response: api.Readiness,
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
