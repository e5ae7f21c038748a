import { reason } from '../../client/http.ts';

const ANSWER_MS = 5_000;

/** Sends a GET request. Follows no redirect. Rejects if the head of the answer takes too long: see `noAnswerReason`. */
export function ask(url: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) });
}

/** Why `ask` got no answer, as text for a person. */
export function noAnswerReason(error: unknown): string {
  return reason(error, ANSWER_MS);
}
