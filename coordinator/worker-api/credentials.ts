import type { IncomingMessage } from 'node:http';

/** The token that a caller gave: as the bearer, as the password of `Basic` (git, proxies), or as `x-api-key` (the Claude API's clients). */
export function tokenOf(request: IncomingMessage): string | undefined {
  const key = request.headers['x-api-key'];
  return fromHeader(request.headers.authorization) ?? (typeof key === 'string' ? key : undefined);
}

/** The token that came with a CONNECT. */
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
