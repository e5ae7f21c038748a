import { createHash } from 'node:crypto';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import type { Db } from '../sqlite/database.ts';
import {
  findStoredResponse,
  insertStoredResponse,
  pruneStoredResponses,
  pruneStoredResponsesOf,
} from '../sqlite/idempotency.ts';

/** JSON text that is sent as it is. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A request as its repeat is recognised by: who, which key, and a digest of all that it asks for. */
export type Keyed = { user_id: string; key: string; request_hash: string; status: number };

/**
 * Acts in a transaction, and remembers the answer in the same one: a repeat gets that answer and acts no more. What is refused is not
 * remembered, and may be tried again with the same key. Throws `idempotency_conflict` where the key came with another request.
 */
export function actOnce(log: EventLog, request: Keyed, act: (tx: Tx) => unknown): JsonText {
  return log.write((tx) => {
    pruneStoredResponses(tx.db, forgottenBefore());
    const before = previousAnswer(tx.db, request);
    if (before) return before;
    const response = JSON.stringify(act(tx));
    pruneStoredResponsesOf(tx.db, request.user_id, LIMITS.idempotency_keys_per_user_max - 1);
    insertStoredResponse(tx.db, { ...request, response, created_at: new Date().toISOString() });
    return new JsonText(response);
  });
}

/** The answer to an earlier request with this key; undefined if there was none. Throws `idempotency_conflict` if that was another request. */
export function previousAnswer(db: Db, { user_id, key, request_hash }: Keyed): JsonText | undefined {
  const before = findStoredResponse(db, user_id, key, forgottenBefore());
  if (before && before.request_hash !== request_hash)
    throw new ErrandError('idempotency_conflict', 'This Idempotency-Key came with another request before.');
  return before && new JsonText(before.response);
}

function forgottenBefore(): string {
  return new Date(Date.now() - LIMITS.idempotency_key_s * 1000).toISOString();
}

/** The key of a header: 1 to `LIMITS.idempotency_key_chars_max` visible characters. */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (!/^[\x21-\x7e]+$/.test(header) || header.length > LIMITS.idempotency_key_chars_max)
    throw new ErrandError(
      'invalid',
      `The Idempotency-Key must have 1 to ${LIMITS.idempotency_key_chars_max} visible characters.`,
    );
  return header;
}

/** A digest of the method, the path, and the body as it was understood. */
export function requestHash(method: string, path: string, body: unknown): string {
  return createHash('sha256')
    .update(`${method} ${path}\n${JSON.stringify(body) ?? ''}`)
    .digest('hex');
}
