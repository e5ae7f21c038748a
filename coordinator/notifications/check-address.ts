import { ECDH } from 'node:crypto';
import type { ChannelCreate } from '../../protocol/notifications.ts';
import { ErrandError, wrongField, type Why } from '../../protocol/problem.ts';
import { AddressError, listsHost, type AddressGuard } from '../base/address-guard.ts';

/** Whom the server's owner lets it reach. */
type Reach = { guard: AddressGuard; private_hosts: string[] };

/**
 * Rejects with `invalid` if nothing may be sent to the address of a new channel, or nothing can be encrypted for it.
 * Each request checks the host again.
 */
export async function checkAddress(input: ChannelCreate, { guard, private_hosts }: Reach): Promise<void> {
  const [field, text] = addressOf(input);
  const url = parseUrl(field, text);
  if (input.kind === 'push') {
    parseUrl('/app_url', input.app_url);
    requirePublicKey(input.subscription.keys.p256dh);
  }
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  if (url.protocol !== 'https:' && !listsHost(private_hosts, url.hostname, port))
    throw invalid(field, "must begin with https://, unless the server's owner lists the host in ERRAND_PRIVATE_HOSTS", {
      reason: 'not_https',
    });
  await guard(url.hostname, port).catch((error: unknown) => {
    // Another name may be known to a proxy only, and a name server may be away for a moment.
    if (error instanceof AddressError && error.fault === 'private_address')
      throw invalid(field, error.message, { reason: 'private_address' }, error);
  });
}

/** The field of the request that has the address, and what it says. */
function addressOf(input: ChannelCreate): [field: string, text: string] {
  switch (input.kind) {
    case 'push':
      return ['/subscription/endpoint', input.subscription.endpoint];
    case 'webhook':
      return ['/url', input.url];
    case 'ntfy':
      return ['/server', input.server];
  }
}

function parseUrl(field: string, text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw invalid(field, 'is not an address', { reason: 'not_web_address' });
}

function requirePublicKey(p256dh: string): void {
  try {
    ECDH.convertKey(Buffer.from(p256dh, 'base64url'), 'prime256v1');
  } catch (cause) {
    throw invalid('/subscription/keys/p256dh', 'is not a point on the curve P-256', {}, cause);
  }
}

function invalid(field: string, message: string, why: Why, cause?: unknown): ErrandError {
  return new ErrandError('invalid', `${field} ${message}`, { errors: [wrongField(field, message, why)], cause });
}
