import type { IncomingHttpHeaders } from 'node:http';

const REQUEST = /^(anthropic-(?!workspace-id$|user-profile-id$).*|content-type|accept|user-agent|x-stainless-.*)$/;
const RESPONSE = /^(content-type|request-id|retry-after|retry-after-ms|x-should-retry|anthropic-ratelimit-.*)$/;

/** What goes on to the Claude API: what says how to read the request, and our key in place of the caller's token. */
export function requestHeaders(given: IncomingHttpHeaders, api_key: string): Record<string, string> {
  return {
    'anthropic-version': '2026-10-21',
    ...pick(given, REQUEST),
    // The meter reads the answer, so it must come as it is.
    'accept-encoding': 'identity',
    authorization: `Bearer ${api_key}`,
  };
}

/** What comes back of the API's own: how to read the answer, and when to come again. Whose key it was stays here. */
export function responseHeaders(given: IncomingHttpHeaders): Record<string, string> {
  return { ...pick(given, RESPONSE), 'cache-control': 'no-cache', 'x-accel-buffering': 'no' };
}

function pick(given: IncomingHttpHeaders, allowed: RegExp): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && allowed.test(name)) picked[name] = Array.isArray(value) ? value.join(', ') : value;
  return picked;
}
