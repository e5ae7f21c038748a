import { ApiError, invalid } from './api-error.ts';
import { checkSignatures, segments, tokensOf } from './conversation.ts';
import { CountRequest, MessagesRequest, read } from './request.ts';
import { checkMaxTokens, checkRequest } from './rules.ts';

/** The API's parser reads no deeper JSON. */
const DEPTH_MAX = 200;

/**
 * Reads and checks the body of `POST /v1/messages`. Throws the API's error. `onParsed`: gets a body of the right form,
 * before the rules between its parts are checked.
 */
export function readMessagesBody(
  raw: Buffer,
  betas: string[],
  onParsed: (request: MessagesRequest) => void = () => undefined,
): MessagesRequest {
  const request = read(MessagesRequest, json(raw));
  onParsed(request);
  checkMaxTokens(request);
  check(request, betas);
  return request;
}

/** The same for `POST /v1/messages/count_tokens`. */
export function readCountBody(raw: Buffer, betas: string[]): CountRequest {
  const request = read(CountRequest, json(raw));
  check(request, betas);
  return request;
}

/** The tokens of a prompt. */
export function count(request: CountRequest): number {
  return segments(request).reduce((sum, part) => sum + tokensOf(part.text), 0);
}

function check(request: CountRequest, betas: string[]): void {
  if (!request.model.startsWith('claude-')) throw new ApiError(404, 'not_found_error', `model: ${request.model}`);
  checkRequest(request, betas);
  checkSignatures(request);
}

class LoneSurrogate extends Error {}

function json(raw: Buffer): unknown {
  let body: unknown;
  try {
    body = JSON.parse(raw.toString('utf8'), (key, value: unknown) => {
      // Half a character cannot be written in UTF-8, so only an escape can bring one.
      if (!key.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())) throw new LoneSurrogate();
      return value;
    });
  } catch (error) {
    if (error instanceof LoneSurrogate)
      throw invalid('The request body is not valid JSON: no low surrogate in string: line 1 column 1 (char 0)');
    throw invalid('The request body is not valid JSON');
  }
  if (isDeeperThan(body, DEPTH_MAX)) throw invalid('The request body is not valid JSON: recursion limit exceeded');
  for (const name of ['temperature', 'top_p', 'top_k'])
    if (typeof body === 'object' && body !== null && name in body) throw invalid(`${name}: is no longer supported`);
  return body;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}
