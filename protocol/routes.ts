import { z } from 'zod';
import { ACCOUNT_ROUTES } from './account-routes.ts';
import * as api from './api.ts';
import { Id } from './ids.ts';
import type { Route } from './route.ts';
import { Task, TaskDetail } from './task.ts';

const byId = z.object({ id: Id });

/** Every route of the public API, by name. */
export const ROUTES = {
  ...ACCOUNT_ROUTES,

  createProject: {
    method: 'post',
    path: '/projects',
    summary: 'Make a project',
    description:
      'Its name is unique among yours, upper and lower case alike. Unless check is false, the repository is asked first whether it can be read: an ' +
      'address or a token that does not work is `invalid`, a repository that cannot be reached now is `upstream_unreachable`, and `errors` names the field.',
    auth: 'user',
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
      'What is absent stays; null takes away. A repo_url of another scheme, host or port drops git_token and git_username, unless new ones come with it: a token never goes to a host that it was not given for. Tasks keep the repository that they were made with. Where the address or the token changes, the repository is asked as it is when a project is made.',
    auth: 'user',
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
    description: 'It is refused while one of its tasks waits or is at work. What was pushed stays in the repository.',
    auth: 'user',
    params: byId,
    status: 204,
    errors: ['not_found', 'conflict'],
  },

  createTask: {
    method: 'post',
    path: '/task',
    summary: 'Send an errand',
    description:
      'A repository whose host does not exist, or has a private address that is not allowed, is `invalid` at once.',
    auth: 'user',
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
    params: byId,
    status: 200,
    response: api.Diff,
    errors: ['not_found'],
  },
  createMessage: {
    method: 'post',
    path: '/tasks/:id/messages',
    summary: 'Say something to a task; one that has ended goes on',
    auth: 'user',
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
    summary: 'Stop a task; what it did so far is pushed',
    description:
      'One that is cancelled already, or is being cancelled, is answered the same. One that ended otherwise is a conflict.',
    auth: 'user',
    params: byId,
    idempotent: true,
    status: 202,
    response: Task,
    errors: ['not_found', 'conflict', 'idempotency_conflict'],
  },
  retryTask: {
    method: 'post',
    path: '/tasks/:id/retry',
    summary: 'Run a failed or cancelled task again, from where it was',
    auth: 'user',
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
    summary: 'Delete a task that has ended, with its log; its pushed work stays',
    auth: 'user',
    params: byId,
    status: 204,
    errors: ['not_found', 'conflict'],
  },

  openapi: { method: 'get', path: '/openapi.json', summary: 'This description', auth: 'none', status: 200, errors: [] },
  healthz: {
    method: 'get',
    path: '/healthz',
    summary: 'The process answers',
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
    summary: 'Figures for whoever runs the server',
    description:
      'In the text format of Prometheus. For the bearer of ERRAND_METRICS_TOKEN; where that is not set, there is nothing here.',
    auth: 'operator',
    status: 200,
    media_type: 'text/plain; version=0.0.4; charset=utf-8',
    errors: ['not_found'],
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;
/** The names of the routes as a list; `ROUTES[name]` is a route. */
export const ROUTE_NAMES = Object.keys(ROUTES) as RouteName[];
