import type { IncomingMessage } from 'node:http';

/**
 * The caller's task token: the bearer token, the password of `Basic` (git sends that), or `x-api-key` (clients of the
 * Claude API send that).
 */
export function tokenOf(request: IncomingMessage): string | undefined {
  const key = request.headers['x-api-key'];
  return fromHeader(request.headers.authorization) ?? (typeof key === 'string' ? key : undefined);
}

/** The task token of a CONNECT request. */
export function proxyTokenOf(request: IncomingMessage): string | undefined {
  return fromHeader(request.headers['proxy-authorization']);
}

function fromHeader(header: string | undefined): string | undefined {
  const [, scheme, value] = /^(bearer|basic) +(\S+) *$/i.exec(header ?? '') ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === 'bearer') return value;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1);
}
