import { createHash } from 'node:crypto';
import { z } from 'zod';
import { NoticeLanguage, PushSubscription } from '../../protocol/notifications.ts';
import type { Keys } from '../base/keys.ts';
import { seal, unseal } from '../base/seal.ts';
import type { ChannelRow } from '../sqlite/channels.ts';

/** Where a channel's notifications are sent, and with which keys. It is stored sealed. */
const Address = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('push'),
    subscription: PushSubscription,
    app_url: z.string(),
    language: NoticeLanguage,
  }),
  z.object({ kind: z.literal('webhook'), url: z.string(), secret: z.string() }),
  z.object({
    kind: z.literal('ntfy'),
    server: z.string(),
    topic: z.string(),
    token: z.string().optional(),
    language: NoticeLanguage,
  }),
]);
export type Address = z.infer<typeof Address>;

const context = (channel_id: string): string => `channel:${channel_id}`;

export function sealAddress(keys: Keys, channel_id: string, address: Address): string {
  return seal(keys, JSON.stringify(address), context(channel_id));
}

/** Undefined: it was sealed with another key than the server's. */
export function openAddress(keys: Keys, { id, address }: Pick<ChannelRow, 'id' | 'address'>): Address | undefined {
  try {
    return Address.parse(JSON.parse(unseal(keys, address, context(id))));
  } catch {
    return undefined;
  }
}

/** The URL that requests go to. */
export function urlOf(address: Address): URL {
  switch (address.kind) {
    case 'push':
      return new URL(address.subscription.endpoint);
    case 'webhook':
      return new URL(address.url);
    case 'ntfy':
      return new URL(address.server);
  }
}

/**
 * The same for each registration of one browser. It needs the subscription's secret: nobody else can claim a device.
 */
export function fingerprintOf({ endpoint, keys }: PushSubscription): string {
  return createHash('sha256').update(`${endpoint}\n${keys.auth}`).digest('hex');
}
