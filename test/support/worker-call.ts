import { request, Agent } from 'undici';
import type { Address } from '../../agent-container/config.ts';

export type Reply = { status: number; type: string; body: unknown };

/** Calls a worker as the coordinator does. `body` is sent as JSON; a string is sent unchanged. */
export async function callWorker(
  address: Address | null,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  if (address === null) throw new Error('The worker does not listen.');
  const agent = new Agent(address.kind === 'unix' ? { connect: { socketPath: address.path } } : {});
  const origin = address.kind === 'unix' ? 'http://worker' : `http://${address.host}:${address.port}`;
  try {
    const response = await request(`${origin}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      dispatcher: agent,
    });
    const text = await response.body.text();
    const type = String(response.headers['content-type']);
    return { status: response.statusCode, type, body: text === '' ? null : (JSON.parse(text) as unknown) };
  } finally {
    await agent.destroy();
  }
}
