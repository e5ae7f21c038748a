import type { IncomingHttpHeaders } from 'node:http';

const REQUEST = /^(anthropic-version|anthropic-beta|content-type|accept|user-agent|x-stainless-.*)$/;
/**
 * The betas that a request may use: none that stores or fetches something at the vendor, answers with another model, or
 * has a price that is not known here. Others are left out, since clients name some that they do not need.
 */
const BETAS: ReadonlySet<string> = new Set([
  'compact-2026-01-12',
  'compact-2026-09-04',
  'context-management-2025-06-27',
  'extended-cache-ttl-2025-04-11',
  'fine-grained-tool-streaming-2025-05-14',
  'interleaved-thinking-2025-05-14',
  'mid-conversation-system-clear-at-2026-08-21',
  'prompt-caching-2024-07-31',
  'structured-outputs-2025-11-13',
  'task-budgets-2026-03-13',
  'thinking-binding-controls-2026-08-01',
  'thinking-display-updates-2026-08-18',
  'token-efficient-tools-2025-02-19',
]);
const RESPONSE = /^(content-type|request-id|retry-after|retry-after-ms|x-should-retry|anthropic-ratelimit-.*)$/;

/**
 * The headers of a request to the Claude API: those that describe the request, and the server's API key instead of
 * the task token.
 */
export function requestHeaders(given: IncomingHttpHeaders, api_key: string): Record<string, string> {
  const { 'anthropic-beta': named, ...picked } = pick(given, REQUEST);
  const betas = (named ?? '').split(',').map((beta) => beta.trim());
  const allowed = betas.filter((beta) => BETAS.has(beta));
  return {
    'anthropic-version': '2026-10-21',
    ...picked,
    ...(allowed.length > 0 && { 'anthropic-beta': allowed.join(',') }),
    // The meter reads the answer, so it must not be compressed.
    'accept-encoding': 'identity',
    authorization: `Bearer ${api_key}`,
  };
}

/**
 * The headers of the response to the worker: those that describe the answer and say when to retry. None that identifies
 * the API account.
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
