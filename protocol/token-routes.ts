import { ById, PageQuery } from './api.ts';
import type { Route } from './route.ts';
import * as tokens from './tokens.ts';

/** The routes of API tokens. */
export const TOKEN_ROUTES = {
  createToken: {
    method: 'post',
    path: '/auth/tokens',
    summary: 'Make an API token for a script',
    description:
      'Send it as a bearer token, on the socket too. It may do what its scopes say, until it expires or is revoked. The token is shown only ' +
      'in this response. A change or reset of the password ends all tokens of the account.',
    auth: 'user',
    body: tokens.TokenCreate,
    status: 201,
    response: tokens.TokenCreated,
    errors: ['conflict'],
  },
  listTokens: {
    method: 'get',
    path: '/auth/tokens',
    summary: 'Your API tokens, newest first',
    auth: 'user',
    query: PageQuery,
    status: 200,
    response: tokens.TokenPage,
    errors: [],
  },
  deleteToken: {
    method: 'delete',
    path: '/auth/tokens/:id',
    summary: 'Revoke one of your API tokens',
    description: 'It becomes invalid at once, and its sockets are closed.',
    auth: 'user',
    params: ById,
    status: 204,
    errors: ['not_found'],
  },
} as const satisfies Record<string, Route>;
