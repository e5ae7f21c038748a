import { LIMITS } from '../../protocol/limits.ts';
import { answerError } from './answer-error.ts';
import type { Access } from './forge.ts';
import { ForgeApiError } from './forge-api-error.ts';
import type { RestApi } from './rest-api.ts';

/**
 * The end of a log, in whole lines, `bytes_max` at most; empty: there is none any more. A forge may lead to a store
 * elsewhere, which gets no token.
 */
export async function logEnd(api: RestApi, access: Access, path: string, bytes_max: number): Promise<Buffer> {
  const limits = { ms: LIMITS.forge_log_ms, bytes_max: LIMITS.forge_log_bytes_max, tail_bytes: bytes_max };
  const api_url = new URL(api.root + path);
  let answer = await api.raw(access, api_url, limits);
  let is_api = true;
  for (let redirects = 0; REDIRECT.has(answer.status); redirects++) {
    const url = URL.parse(answer.headers['location'] ?? '', api.root);
    if (url === null || !['http:', 'https:'].includes(url.protocol) || redirects === REDIRECTS_MAX)
      throw new ForgeApiError('unreachable', `${api.host} leads to no log.`);
    // A repository that was renamed leads to the API again.
    is_api = url.origin === api_url.origin && url.pathname.startsWith(new URL(api.root).pathname);
    const request = { method: 'GET' as const, url, headers: {}, signal: access.signal };
    answer = is_api ? await api.raw(access, url, limits) : await api.http.sendOnce(request, limits);
  }
  if (answer.status === 404 || answer.status === 410) return Buffer.alloc(0);
  if (answer.status !== 200) {
    const error = answerError(api.host, answer, access.token);
    // What a store elsewhere limits is not the token.
    throw is_api ? api.refusal(access, error) : error;
  }
  const { body } = answer;
  return body.length < bytes_max ? body : body.subarray(body.indexOf('\n') + 1);
}

const REDIRECTS_MAX = 4;
const REDIRECT = new Set([301, 302, 307, 308]);
