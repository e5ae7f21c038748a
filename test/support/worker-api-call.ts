import { once } from 'node:events';
import { request as httpRequest, type Agent } from 'node:http';

export type WorkerApiResponse = { status: number; headers: NodeJS.Dict<string | string[]>; body: unknown };

/** Makes one HTTP call as a worker, to a loopback port or a unix socket. Rejects if the connection is reset. */
export async function callWorkerApi(
  where: { port: number } | { socketPath: string },
  options: {
    path: string;
    method?: string;
    token?: string;
    headers?: Record<string, string>;
    body?: unknown;
    agent?: Agent;
    signal?: AbortSignal;
  },
): Promise<WorkerApiResponse> {
  const { path, token, headers, body, agent, signal } = options;
  const method = options.method ?? (body === undefined ? 'GET' : 'POST');
  const request = httpRequest({
    ...where,
    host: '127.0.0.1',
    path,
    method,
    headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
    ...(agent && { agent }),
    ...(signal && { signal }),
  });
  // The response may arrive before the whole body is sent; errors of the rest do not matter then.
  request.on('error', () => {});
  request.end(typeof body === 'string' || Buffer.isBuffer(body) || body === undefined ? body : JSON.stringify(body));
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
}
