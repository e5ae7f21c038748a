import { createHash } from 'node:crypto';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Db } from '../sqlite/database.ts';
import type { EventLog, Tx, WriteOptions } from '../sqlite/event-log.ts';
import {
  findStoredResponse,
  insertStoredResponse,
  pruneStoredResponses,
  pruneStoredResponsesOf,
} from '../sqlite/idempotency.ts';
import { JsonText } from './json-text.ts';

/** What identifies a request and its repeats: who sent it, with which key, and a hash of all that it asks for. */
export type KeyedRequest = { user_id: string; key: string; request_hash: string; status: number };

/**
 * Acts in a transaction and stores the answer in the same one, so that a repeat gets that answer and does not act. A
 * refusal is not stored: the key may be used again. Throws `idempotency_conflict` if the key came with another request.
 */
export function writeOnce(
  log: EventLog,
  request: KeyedRequest,
  act: (tx: Tx) => unknown,
  options?: WriteOptions,
): JsonText {
  return log.write((tx) => {
    pruneStoredResponses(tx.db, expiry());
    const before = previousAnswer(tx.db, request);
    if (before) return before;
    const response = JSON.stringify(act(tx));
    pruneStoredResponsesOf(tx.db, request.user_id, LIMITS.idempotency_keys_per_user_max - 1);
    insertStoredResponse(tx.db, { ...request, response, created_at: new Date().toISOString() });
    return new JsonText(response);
  }, options);
}

/**
 * The answer to an earlier request with this key; undefined if there was none. Throws `idempotency_conflict` if the
 * earlier request was another one.
 */
export function previousAnswer(db: Db, { user_id, key, request_hash }: KeyedRequest): JsonText | undefined {
  const before = findStoredResponse(db, user_id, key, expiry());
  if (before && before.request_hash !== request_hash)
    throw new ErrandError('idempotency_conflict', 'This Idempotency-Key came with another request before.');
  return before && new JsonText(before.response);
}

/** Reads the header. Throws `invalid` unless it is 1 to `LIMITS.idempotency_key_chars_max` visible ASCII characters. */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (!/^[\x21-\x7e]+$/.test(header) || header.length > LIMITS.idempotency_key_chars_max)
    throw new ErrandError(
      'invalid',
      `The Idempotency-Key must have 1 to ${LIMITS.idempotency_key_chars_max} visible characters.`,
    );
  return header;
}

/** A hash of the method, the path and the parsed body, in which the order of fields does not matter. */
export function hashRequest(method: string, path: string, body: unknown): string {
  return createHash('sha256')
    .update(`${method} ${path}\n${JSON.stringify(body) ?? ''}`)
    .digest('hex');
}

/** Answers from before this time have expired. */
function expiry(): string {
  return new Date(Date.now() - LIMITS.idempotency_key_s * 1000).toISOString();
}
