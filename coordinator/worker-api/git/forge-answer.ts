import type { Dispatcher } from 'undici';
import type { ForgeCredential } from '../../domain/forge-repository.ts';
import { mediaType, type GitRequest, type GitResponse } from './backend.ts';
import { ForgeError } from './forge-error.ts';

/** The request that a response answers. `base`: the repository's URL. */
type Asked = { base: string; credential: ForgeCredential | undefined; request: GitRequest };

/**
 * Turns a forge's response into one for the worker's git. Rejects with a `ForgeError` that explains any other response.
 */
export async function understand(answer: Dispatcher.ResponseData, asked: Asked): Promise<GitResponse> {
  const { statusCode, headers, body } = answer;
  const { service, body: sent } = asked.request;
  const type = mediaType(service, sent ? 'result' : 'advertisement');
  if (statusCode === 200 && headers['content-type'] === type) return { headers: passedOn(headers), body };
  await body.dump();
  if (statusCode === 200)
    throw new ForgeError('not_git', `${asked.base} answers, but not as a git repository over smart HTTP.`);
  throw refusal(statusCode, Number(headers['retry-after']), asked);
}

/**
 * Explains a forge's status to the person who configured the repository and its credential, with what they can do. An
 * errand that cannot reach its repository ends with these words alone.
 */
function refusal(status: number, retry_after_s: number, asked: Asked): ForgeError {
  const { base, credential, request } = asked;
  const { host } = new URL(base);
  const retry = retry_after_s > 0 ? { retry_after_s } : {};
  const end = (advice: string) => (credential?.hint === undefined ? `: ${advice}.` : `. ${credential.hint}`);
  const right = request.service === 'git-receive-pack' ? 'push to' : 'read';
  switch (status) {
    case 401:
      return credential
        ? new ForgeError(
            'credential_refused',
            `${host} refused the credential for ${base}: give its project a git token that is valid now.`,
          )
        : new ForgeError(
            'credential_missing',
            `${host} asks for a credential to ${right} ${base}: give the project a git token, or check the address.`,
          );
    case 403: {
      const whom = credential ? 'this credential' : 'just anyone';
      const advice = `give its project a git token that may ${right} it`;
      return new ForgeError('not_allowed', `${host} does not allow ${whom} to ${right} ${base}${end(advice)}`);
    }
    case 404:
    case 410: {
      const [or, advice] = credential
        ? ['this credential may not see it', 'check the address, and which repositories the git token is for']
        : ['it is private', 'check the address, or give its project a git token'];
      return new ForgeError('no_repository', `There is no repository at ${base}, or ${or}${end(advice)}`);
    }
    case 413:
      return new ForgeError('too_large', `${host} does not take a push of this size.`);
    case 429:
      return new ForgeError('rate_limited', `${host} limits the rate of requests: try again later.`, retry);
    default:
      return new ForgeError('failed', `${host} answered with the status ${status}.`, retry);
  }
}

/** The response headers that git needs. All others (cookies, authentication challenges) are dropped. */
function passedOn(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of ['content-type', 'content-encoding', 'content-length', 'cache-control']) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  return passed;
}
