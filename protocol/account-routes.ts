import * as accounts from './accounts.ts';
import { ById, PageQuery } from './api.ts';
import { LIMITS } from './limits.ts';
import type { Route } from './route.ts';

/** The routes of accounts and log-ins. */
export const ACCOUNT_ROUTES = {
  signup: {
    method: 'post',
    path: '/auth/signup',
    summary: 'Create an account; the first one owns the server, and needs the code that the server printed',
    auth: 'none',
    body: accounts.Signup,
    status: 201,
    response: accounts.Session,
    errors: ['setup_code_wrong', 'signup_closed', 'link_invalid', 'email_taken', 'rate_limited', 'unavailable'],
  },
  login: {
    method: 'post',
    path: '/auth/login',
    summary: 'Log in',
    auth: 'none',
    body: accounts.Login,
    status: 200,
    response: accounts.Session,
    errors: ['wrong_credentials', 'account_blocked', 'rate_limited', 'unavailable'],
  },
  linkLogin: {
    method: 'post',
    path: '/auth/link',
    summary: 'Log in with the code of a log-in link, which works once',
    auth: 'none',
    body: accounts.LinkLogin,
    status: 200,
    response: accounts.Session,
    errors: ['link_invalid', 'account_blocked', 'rate_limited'],
  },
  createLoginLink: {
    method: 'post',
    path: '/auth/links',
    summary: 'Make a link that logs another device in to your account, such as for a QR code',
    description:
      `It works once, within ${LIMITS.login_link_s / 60} minutes, and only while the log-in that made it lasts. A newer one does not void it, up to ` +
      `${LIMITS.login_links_per_user_max} at a time. A change or reset of the password voids all of them.`,
    auth: 'user',
    status: 201,
    response: accounts.OneTimeLink,
    errors: ['rate_limited'],
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
    summary: 'Your account',
    auth: 'user',
    scope: 'read',
    status: 200,
    response: accounts.User,
    errors: [],
  },
  deleteMe: {
    method: 'delete',
    path: '/me',
    summary: 'Delete your account, with your projects, your tasks and their logs',
    description:
      'The password confirms it. It is refused while one of your tasks has not ended. All log-ins end, and their sockets are ' +
      'closed. The owner of the server cannot be deleted, because the next account would then own the server.',
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
      'The tokens of the current log-in stay valid. A wrong old password counts as a failed log-in, and failed log-ins are rate limited.',
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
      'Its tokens become invalid at once and its sockets are closed, as after a log-out. It may be the current log-in.',
    auth: 'user',
    params: ById,
    status: 204,
    errors: ['not_found'],
  },
  resetPassword: {
    method: 'post',
    path: '/users/password-reset',
    summary: 'Give someone a new random password; for the owner of the server',
    description:
      'The password is shown only in this response. All log-ins of that account end. A repeat makes another password. The owner changes ' +
      "their own password with POST /auth/password, or, if it is forgotten, on the server's command line.",
    auth: 'user',
    body: accounts.PasswordReset,
    status: 200,
    response: accounts.PasswordResetDone,
    errors: ['forbidden', 'not_found', 'conflict', 'unavailable'],
  },
  wsTicket: {
    method: 'post',
    path: '/ws-ticket',
    summary: 'Get a one-time ticket for the socket',
    auth: 'user',
    scope: 'read',
    status: 201,
    response: accounts.WsTicket,
    errors: ['rate_limited'],
  },
} as const satisfies Record<string, Route>;
