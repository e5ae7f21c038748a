import { ById } from './api.ts';
import { DeliveryReceived } from './deliveries.ts';
import { LIMITS } from './limits.ts';
import type { Route } from './route.ts';

/** The route that forges call. */
export const DELIVERY_ROUTES = {
  receiveDelivery: {
    method: 'post',
    path: '/forges/:id/webhook',
    summary: 'Take a webhook of a forge',
    description:
      'The body is as the forge signs it, and a body without a right signature is `forbidden`. The answer comes once the webhook is ' +
      'stored; it is handled afterwards, in the order of its repository, once. The same delivery again, or the same body under another ' +
      `id, changes nothing. A body may have ${LIMITS.delivery_bytes_max} bytes.`,
    auth: 'none',
    params: ById,
    takes_bytes: true,
    status: 202,
    response: DeliveryReceived,
    errors: ['not_found', 'rate_limited', 'unavailable'],
  },
} as const satisfies Record<string, Route>;
