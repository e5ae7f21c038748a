import * as api from './api.ts';
import { Attachment, AttachmentName } from './attachments.ts';
import { LIMITS } from './limits.ts';
import type { Route } from './route.ts';

/** The routes for messages to a task, and for the files that go with tasks and messages. */
export const MESSAGE_ROUTES = {
  createMessage: {
    method: 'post',
    path: '/tasks/:id/messages',
    summary: 'Send a message to a task; a task that has ended is resumed',
    auth: 'user',
    scope: 'tasks',
    params: api.ById,
    idempotent: true,
    body: api.MessageCreate,
    status: 202,
    response: api.MessageReceived,
    errors: ['not_found', 'conflict', 'idempotency_conflict', 'unavailable'],
  },
  listMessages: {
    method: 'get',
    path: '/tasks/:id/messages',
    summary: 'The messages to a task that are not part of its conversation yet, oldest first',
    auth: 'user',
    scope: 'read',
    params: api.ById,
    status: 200,
    response: api.WaitingMessages,
    errors: ['not_found'],
  },
  patchMessage: {
    method: 'patch',
    path: '/tasks/:id/messages/:message_id',
    summary: 'Change a message that the worker has not taken yet',
    description:
      'Once the worker has taken it, it is a `conflict`; so is a revision that is not the newest. ' +
      'A message that was withdrawn is `not_found`.',
    auth: 'user',
    scope: 'tasks',
    params: api.ByMessage,
    idempotent: true,
    body: api.MessagePatch,
    status: 200,
    response: api.WaitingMessage,
    errors: ['not_found', 'conflict', 'idempotency_conflict'],
  },
  deleteMessage: {
    method: 'delete',
    path: '/tasks/:id/messages/:message_id',
    summary: 'Withdraw a message that the worker has not taken yet',
    description:
      'Once the worker has taken it, it is a `conflict`. A task that was queued for this message alone ends as it had ended.',
    auth: 'user',
    scope: 'tasks',
    params: api.ByMessage,
    idempotent: true,
    status: 204,
    errors: ['not_found', 'conflict', 'idempotency_conflict'],
  },
  putAttachment: {
    method: 'put',
    path: '/attachments/:id',
    summary: 'Upload a file, to send it with a task, a message or an answer',
    description:
      'The client makes the id. The same file under the same id again changes nothing, so an upload can be repeated. ' +
      `An upload that is not sent within ${LIMITS.attachment_unsent_s / 86_400} days is removed. ` +
      `A file may have ${LIMITS.attachment_bytes_max} bytes.`,
    auth: 'user',
    scope: 'tasks',
    params: api.ById,
    query: AttachmentName,
    takes_bytes: true,
    status: 200,
    response: Attachment,
    errors: ['conflict', 'rate_limited', 'unavailable'],
  },
  getAttachment: {
    method: 'get',
    path: '/attachments/:id',
    summary: 'An uploaded file; browsers save it, and never show it as a page',
    auth: 'user',
    scope: 'read',
    params: api.ById,
    status: 200,
    media_type: 'application/octet-stream',
    errors: ['not_found'],
  },
} as const satisfies Record<string, Route>;
