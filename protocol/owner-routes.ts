import { AuditPage, AuditQuery, KeysRotated } from './audit.ts';
import type { Route } from './route.ts';
import { ServerState, SettingList } from './server.ts';

/** Routes for the owner of the server alone. */
export const OWNER_ROUTES = {
  listAudit: {
    method: 'get',
    path: '/audit',
    summary: 'Who did what on this server; for its owner',
    description:
      'Sign-ins, tokens, secrets set and used, pushes, hosts reached, budgets and settings. Each entry has the hash of the one before, so ' +
      'that a change of an entry shows. The newest come first; with `after`, the oldest, for an export.',
    auth: 'user',
    query: AuditQuery,
    status: 200,
    response: AuditPage,
    errors: ['forbidden'],
  },
  rotateKeys: {
    method: 'post',
    path: '/keys/rotate',
    summary: 'Make new keys to sign tokens with; for the owner of the server',
    description: 'Nobody is logged out: what the earlier keys signed stays valid until it expires.',
    auth: 'user',
    status: 200,
    response: KeysRotated,
    errors: ['forbidden', 'conflict'],
  },
  getServer: {
    method: 'get',
    path: '/server/state',
    summary: 'The state of the server: queue, workers, disk, money and backups; for its owner',
    auth: 'user',
    status: 200,
    response: ServerState,
    errors: ['forbidden'],
  },
  listSettings: {
    method: 'get',
    path: '/server/settings',
    summary: 'The settings of the server, and where each comes from; for its owner',
    description:
      'Secrets are not shown, only whether they are set. Settings are changed in the environment of the server.',
    auth: 'user',
    status: 200,
    response: SettingList,
    errors: ['forbidden'],
  },
} as const satisfies Record<string, Route>;
