import { z } from 'zod';
import * as accounts from './accounts.ts';
import { PageQuery } from './api.ts';
import { Id } from './ids.ts';
import type { Route } from './route.ts';

/** The routes of accounts and log-ins. */
export const ACCOUNT_ROUTES = {
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
    query: PageQuery,
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
    params: z.object({ id: Id }),
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
} as const satisfies Record<string, Route>;
