import { stripVTControlCharacters } from 'node:util';
import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { shapeOf } from '../../../protocol/json-shape.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { parseJson } from '../../base/json-body.ts';
import { ForgeError } from './forge-error.ts';

/** The most of a text of a forge that is passed on. */
const SAID_CHARS_MAX = 300;
const SHAPE = shapeOf(20_000);
const Refused = z.object({ message: z.string() });

/** The JSON of a forge's answer. Throws `too_large`, and `invalid` for what is not JSON. */
export async function jsonOf({ body }: Dispatcher.ResponseData): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > LIMITS.lfs_answer_bytes_max)
      throw new ErrandError(
        'too_large',
        `The answer of the LFS server is longer than ${LIMITS.lfs_answer_bytes_max} bytes.`,
      );
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks), SHAPE);
}

/** Text of a forge on one line, without control characters. */
export function plainText(text: string): string {
  const plain = stripVTControlCharacters(text).replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ');
  return plain.trim().slice(0, SAID_CHARS_MAX).toWellFormed();
}

/** `with_credential`: the git token went with the request. */
type Asked = { host: string; with_credential: boolean; kind: 'download' | 'upload' };

/** Explains the answer of an LFS server that does not want to serve a request. It reads the answer. */
export async function lfsRefusal(answer: Dispatcher.ResponseData, asked: Asked): Promise<ErrandError> {
  const json = await jsonOf(answer).catch(() => undefined);
  const said = Refused.safeParse(json).data;
  const text = textFor(answer.statusCode, asked);
  const retry_after_s = Number(answer.headers['retry-after']);
  const retry = retry_after_s > 0 ? { retry_after_s } : {};
  const words =
    said === undefined || plainText(said.message) === '' ? text : `${text} It says: ${plainText(said.message)}`;
  return errorFor(answer.statusCode, words, retry);
}

function textFor(status: number, { host, with_credential, kind }: Asked): string {
  const does = kind === 'upload' ? 'take' : 'give out';
  switch (status) {
    case 401:
      return with_credential
        ? `${host} refused the git token for Git LFS.`
        : `${host} asks for a log-in for Git LFS, and the git token is not for it.`;
    case 403:
      return `${host} does not allow ${with_credential ? 'this git token' : 'just anyone'} to ${kind} objects of Git LFS.`;
    case 404:
    case 410:
    case 501:
      return `${host} has no LFS server for this repository, or not this object.`;
    case 413:
      return `${host} does not take an object of Git LFS of this size.`;
    case 422:
      return `${host} says that this object of Git LFS is not valid.`;
    case 429:
      return `${host} limits the rate of requests: try again later.`;
    case 507:
    case 509:
      return `${host} has no more room or traffic for objects of Git LFS.`;
    default:
      return `${host} did not ${does} objects of Git LFS: it answered with the status ${status}.`;
  }
}

/** Final are those that the same request would get again. */
function errorFor(status: number, words: string, retry: { retry_after_s?: number }): ErrandError {
  switch (status) {
    case 401:
      return new ForgeError('credential_refused', words);
    case 404:
    case 410:
    case 501:
      return new ErrandError('not_found', words);
    case 413:
      return new ErrandError('too_large', words);
    case 422:
      return new ErrandError('invalid', words);
    case 403:
    case 507:
    case 509:
      return new ErrandError('forbidden', words);
    case 429:
      return new ErrandError('rate_limited', words, retry);
    default:
      return new ErrandError('upstream_unreachable', words, retry);
  }
}
