import { ById } from './api.ts';
import { ByRepository, MergeMethods, PullCreate, PullMerge, PullReady } from './pulls.ts';
import type { Route } from './route.ts';
import { Task } from './task.ts';

/** Routes for the pull requests of tasks. */
export const PULL_ROUTES = {
  openPull: {
    method: 'post',
    path: '/tasks/:id/pull',
    summary: 'Open a pull request from what a task has pushed, or try again what failed',
    description:
      'The forge is asked in the background: `pulls` of the task, and its log, say what came of it. A branch has one open pull ' +
      'request at most, so a branch that has one gets no other; the forge is asked at once how it is.',
    auth: 'user',
    scope: 'tasks',
    params: ById,
    idempotent: true,
    body: PullCreate,
    status: 202,
    response: Task,
    errors: ['not_found', 'conflict', 'idempotency_conflict'],
  },
  readyPull: {
    method: 'post',
    path: '/tasks/:id/pull/ready',
    summary: 'Mark a pull request of a task as ready for review',
    description:
      'The forge is asked before the response. One that is ready gets the same response. If new commits have come ' +
      'since `commit`, it is a `conflict`. `forbidden`: the forge does not let your token do it.',
    auth: 'user',
    scope: 'tasks',
    params: ById,
    idempotent: true,
    body: PullReady,
    status: 200,
    response: Task,
    errors: ['not_found', 'conflict', 'idempotency_conflict', 'rate_limited', 'upstream_unreachable'],
  },
  listMergeMethods: {
    method: 'get',
    path: '/tasks/:id/pull/merge',
    summary: 'How a pull request of a task may be merged, as its forge says now',
    auth: 'user',
    scope: 'tasks',
    params: ById,
    query: ByRepository,
    status: 200,
    response: MergeMethods,
    errors: ['not_found', 'conflict', 'rate_limited', 'upstream_unreachable'],
  },
  mergePull: {
    method: 'post',
    path: '/tasks/:id/pull/merge',
    summary: 'Merge a pull request of a task',
    description:
      'The forge is asked before the response. One that is merged gets the same response. It is a `conflict` if new ' +
      'commits have come since `commit`, or the forge refuses to merge it as it is: `detail` says why. `forbidden`: ' +
      'you may not write to the repository, or the forge does not let your token do it. A method that the repository ' +
      'does not allow is `invalid`.',
    auth: 'user',
    scope: 'tasks',
    params: ById,
    idempotent: true,
    body: PullMerge,
    status: 200,
    response: Task,
    errors: ['not_found', 'conflict', 'idempotency_conflict', 'rate_limited', 'upstream_unreachable'],
  },
} as const satisfies Record<string, Route>;
