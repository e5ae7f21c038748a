import { z } from 'zod';
import * as accounts from './accounts.ts';
import * as api from './api.ts';
import { Id } from './ids.ts';
import type { ErrorCode } from './problem.ts';
import { Task, TaskDetail } from './task.ts';

/** One route of the public API. `./openapi.ts` writes these down, and the server serves exactly these. */
export type Route = {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** With `:id` for what varies. */
  path: string;
  summary: string;
  /** What the summary has no room for. */
  description?: string;
  /** `operator`: whoever bears the token of the server's own settings. Where none is set there is no such route. */
  auth: 'none' | 'user' | 'operator';
  params?: z.ZodObject;
  query?: z.ZodObject;
  /** One that takes undefined need not be sent. */
  body?: z.ZodType;
  status: 200 | 201 | 202 | 204;
  response?: z.ZodType;
  /** The media type of an answer that is not JSON. */
  media_type?: string;
  /** The codes beyond `invalid`, `unauthenticated`, `too_large`, `unsupported_media_type`, `internal`, which any route may answer. */
  errors: ErrorCode[];
  /** Whether an `Idempotency-Key` header is heeded: the same key and body answer the same, and act once. */
  idempotent?: boolean;
};

const byId = z.object({ id: Id });

export const ROUTES = {
  signup: {
    method: 'post',
    path: '/auth/signup',
    summary: 'Make an account; the first one owns the server',
    auth: 'none',
    body: accounts.Signup,
    status: 201,
    response: accounts.Session,
    errors: ['signup_closed', 'email_taken', 'rate_limited', 'unavailable'],
  },
  login: {
    method: 'post',
    path: '/auth/login',
    summary: 'Log in',
    auth: 'none',
    body: accounts.Login,
    status: 200,
    response: accounts.Session,
    errors: ['wrong_credentials', 'rate_limited', 'unavailable'],
  },
  refresh: {
    method: 'post',
    path: '/auth/refresh',
    summary: 'Exchange a refresh token for a new pair',
    auth: 'none',
    body: accounts.Refresh,
    status: 200,
    response: accounts.Session,
    errors: ['unauthenticated', 'refresh_reused'],
  },
  logout: {
    method: 'post',
    path: '/auth/logout',
    summary: 'End the log-in that a refresh token belongs to',
    auth: 'none',
    body: accounts.Refresh,
    status: 204,
    errors: [],
  },
  me: {
    method: 'get',
    path: '/me',
    summary: 'Who is logged in',
    auth: 'user',
    status: 200,
    response: accounts.User,
    errors: [],
  },
  deleteMe: {
    method: 'delete',
    path: '/me',
    summary: 'Delete your account, with your projects, your tasks and their logs',
    description:
      'It takes the password once more, and is refused while a task of yours waits or is at work. All log-ins end, and their sockets are closed. The owner of the server cannot be deleted: the next to sign up would own it.',
    auth: 'user',
    body: accounts.AccountDelete,
    status: 204,
    errors: ['wrong_credentials', 'rate_limited', 'conflict', 'unavailable'],
  },
  changePassword: {
    method: 'post',
    path: '/auth/password',
    summary: 'Change your password; all your other log-ins end',
    description:
      'The log-in that asks goes on with its tokens. A wrong old password counts as a failed log-in, and enough of them are rate limited.',
    auth: 'user',
    body: accounts.PasswordChange,
    status: 204,
    errors: ['wrong_credentials', 'rate_limited', 'unavailable'],
  },
  listSessions: {
    method: 'get',
    path: '/auth/sessions',
    summary: 'Your log-ins, newest first',
    auth: 'user',
    query: api.PageQuery,
    status: 200,
    response: accounts.SessionPage,
    errors: [],
  },
  deleteSession: {
    method: 'delete',
    path: '/auth/sessions/:id',
    summary: 'End one of your log-ins',
    description:
      'Its tokens are void at once and its sockets are closed, as after a log-out. It may be the current one.',
    auth: 'user',
    params: byId,
    status: 204,
    errors: ['not_found'],
  },
  resetPassword: {
    method: 'post',
    path: '/users/password-reset',
    summary: 'Give someone a new random password; for the owner of the server',
    description:
      'The password is in this answer and nowhere else. All log-ins of that person end. A repeat makes another password. It is not for the ' +
      "owner's own account: that has POST /auth/password and, for a password that was forgotten, the server's command line.",
    auth: 'user',
    body: accounts.PasswordReset,
    status: 200,
    response: accounts.PasswordResetDone,
    errors: ['forbidden', 'not_found', 'conflict', 'unavailable'],
  },
  wsTicket: {
    method: 'post',
    path: '/ws-ticket',
    summary: 'A one-time ticket for the socket',
    auth: 'user',
    status: 201,
    response: accounts.WsTicket,
    errors: [],
  },

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
    summary: 'Delete a task that has ended, with its log; what it pushed stays in the repository',
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
