import { OneTimeLink } from './accounts.ts';
import { ById, PageQuery } from './api.ts';
import * as people from './people.ts';
import type { Route } from './route.ts';

/** The routes by which the owner of a server manages its people. */
export const PEOPLE_ROUTES = {
  listPeople: {
    method: 'get',
    path: '/users',
    summary: 'The accounts of this server, oldest first; for its owner',
    auth: 'user',
    query: PageQuery,
    status: 200,
    response: people.PersonPage,
    errors: ['forbidden'],
  },
  blockPerson: {
    method: 'post',
    path: '/users/:id/block',
    summary: 'Block a person; for the owner of the server',
    description:
      'All log-ins and API tokens of the person end at once, their sockets are closed, and their errands are cancelled: what was done is ' +
      'pushed. Nothing is deleted. A repeat changes nothing. The owner cannot be blocked.',
    auth: 'user',
    params: ById,
    status: 200,
    response: people.Person,
    errors: ['forbidden', 'not_found', 'conflict'],
  },
  unblockPerson: {
    method: 'post',
    path: '/users/:id/unblock',
    summary: 'Let a blocked person log in again; for the owner of the server',
    auth: 'user',
    params: ById,
    status: 200,
    response: people.Person,
    errors: ['forbidden', 'not_found'],
  },
  removePerson: {
    method: 'delete',
    path: '/users/:id',
    summary:
      'Delete the account of a blocked person, with their projects, errands and logs; for the owner of the server',
    description:
      'Block the person first. While one of their errands is still being stopped it is a `conflict`. What was pushed stays in the ' +
      'repositories. The owner cannot be deleted.',
    auth: 'user',
    params: ById,
    status: 204,
    errors: ['forbidden', 'not_found', 'conflict'],
  },
  createInvite: {
    method: 'post',
    path: '/invites',
    summary: 'Make a link by which one person can sign up; for the owner of the server',
    description:
      'It works once, until it expires or is revoked, also where sign-up is closed. The new account is a member.',
    auth: 'user',
    body: people.InviteCreate,
    status: 201,
    response: OneTimeLink,
    errors: ['forbidden', 'conflict'],
  },
  listInvites: {
    method: 'get',
    path: '/invites',
    summary: 'The invitations that were not used yet; for the owner of the server',
    auth: 'user',
    status: 200,
    response: people.InviteList,
    errors: ['forbidden'],
  },
  deleteInvite: {
    method: 'delete',
    path: '/invites/:id',
    summary: 'Revoke an invitation; for the owner of the server',
    auth: 'user',
    params: ById,
    status: 204,
    errors: ['forbidden', 'not_found'],
  },
} as const satisfies Record<string, Route>;
