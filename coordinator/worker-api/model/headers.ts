import type { IncomingHttpHeaders } from 'node:http';

const REQUEST = /^(anthropic-(?!workspace-id$|user-profile-id$).*|content-type|accept|user-agent|x-stainless-.*)$/;
const RESPONSE = /^(content-type|request-id|retry-after|retry-after-ms|x-should-retry|anthropic-ratelimit-.*)$/;

/**
 * The headers of a request to the Claude API: those that describe the request, and the server's API key instead of
 * the task token.
 */
export function requestHeaders(given: IncomingHttpHeaders, api_key: string): Record<string, string> {
  return {
    'anthropic-version': '2026-10-21',
    ...pick(given, REQUEST),
    // The meter reads the answer, so it must not be compressed.
    'accept-encoding': 'identity',
    authorization: `Bearer ${api_key}`,
  };
}

/**
 * The headers of the response to the worker: those that describe the answer and say when to retry. None that
 * identifies the API account.
 */
export function responseHeaders(given: IncomingHttpHeaders): Record<string, string> {
  return { ...pick(given, RESPONSE), 'cache-control': 'no-cache', 'x-accel-buffering': 'no' };
}

function pick(given: IncomingHttpHeaders, allowed: RegExp): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && allowed.test(name)) picked[name] = Array.isArray(value) ? value.join(', ') : value;
  return picked;
}
