import type { IncomingHttpHeaders } from 'node:http';
import { LIMITS } from '../../protocol/limits.ts';
import { ByteBudget } from '../base/byte-budget.ts';
import { readBody } from '../base/json-body.ts';
import { networkOf } from '../base/network-of.ts';
import type { Receiver } from '../forge/intake/receive.ts';
import type { Handlers } from './router.ts';

/** A forge waits for ten seconds, however much it sends. */
const READ_MS = 10_000;
/** A forge is one sender, however many repositories it speaks for. */
const BUDGET = { bytes_per_s: 4 * 1024 * 1024, burst_bytes: 64 * 1024 * 1024, time_share: 0.25 };

/** The webhooks of forges. */
export function deliveryHandlers(receiver: Pick<Receiver, 'admit' | 'receive'>): Pick<Handlers, 'receiveDelivery'> {
  const budget = new ByteBudget(BUDGET);
  return {
    receiveDelivery: async ({ params, request, client }) => {
      const key = networkOf(client.address);
      const headers = textsOf(request.headers);
      receiver.admit(params.id, headers);
      const pace = { read_ms: READ_MS, bytes_per_s_min: Infinity };
      const body = await readBody(request, { bytes_max: LIMITS.delivery_bytes_max, ...pace, budget, key });
      return receiver.receive(params.id, { headers, body }, (ms) => budget.spendTime(key, ms));
    },
  };
}

/** Each header once. */
function textsOf(headers: IncomingHttpHeaders): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value?.toString()]));
}
