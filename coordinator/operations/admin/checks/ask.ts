import { reason } from '../../../client/http.ts';
import { NO_PROXY, OutgoingAgent, type OutgoingProxy } from '../../../base/outgoing.ts';
import { readStart } from '../../../base/read-start.ts';

const ANSWER_MS = 5_000;
/** Larger than any answer that is read here. What comes after it is left out. */
const ANSWER_BYTES_MAX = 64 * 1024;

type Asked = { headers?: Record<string, string>; proxy?: OutgoingProxy };

/**
 * Sends a GET request, through the proxy as the server does. Follows no redirect. Rejects if the answer takes too long:
 * see `noAnswerReason`.
 */
export async function ask(url: string, { headers = {}, proxy = NO_PROXY }: Asked = {}): Promise<Response> {
  const agent = new OutgoingAgent(proxy, {});
  try {
    const { origin, pathname, search } = new URL(url);
    const signal = AbortSignal.timeout(ANSWER_MS);
    const answer = await agent.request({ origin, path: pathname + search, method: 'GET', headers, signal });
    const text = await readStart(answer.body, ANSWER_BYTES_MAX);
    const date = String(answer.headers['date'] ?? '');
    return new Response(text === '' ? null : text, { status: answer.statusCode, headers: { date } });
  } finally {
    await agent.destroy();
  }
}

/** Why `ask` got no answer, as text for a person. */
export function noAnswerReason(error: unknown): string {
  return reason(error, ANSWER_MS);
}
