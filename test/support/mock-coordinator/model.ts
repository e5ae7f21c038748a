import { pipeline } from 'node:stream/promises';
import type { WorkerProxy } from '../../../coordinator/worker-api/caller.ts';
import { startDemoModel } from '../../../coordinator/demo/demo-model.ts';
import { writeLlmError } from '../../../coordinator/worker-api/model/error.ts';
import { responseHeaders } from '../../../coordinator/worker-api/model/headers.ts';
import { ClaudeApi, TIMEOUTS, type Upstream } from '../../../coordinator/worker-api/model/upstream.ts';
import { DEMO_MODEL } from '../../../coordinator/domain/prices.ts';

export type ProxiedModel = { model: string; proxy: WorkerProxy; close: () => Promise<void> };

/** Makes a proxy to the Claude API where the environment has a key, else to the demo model. It does not count the cost. */
export async function proxyModel(env: NodeJS.ProcessEnv, model: string | undefined): Promise<ProxiedModel> {
  const api_key = env.ANTHROPIC_API_KEY ?? env.CLAUDE_API_KEY;
  if (api_key) {
    const base_url = (env.ANTHROPIC_BASE_URL ?? 'https://api.anthropic.com').replace(/\/+$/, '');
    const upstream = proxyUpstream({ base_url, api_key });
    return { model: model ?? 'claude-sonnet-5-5', ...upstream };
  }
  const demo = await startDemoModel();
  const upstream = proxyUpstream({ base_url: demo.base_url, api_key: 'demo' });
  const close = async () => {
    await Promise.all([upstream.close(), demo.close()]);
  };
  return { model: DEMO_MODEL, proxy: upstream.proxy, close };
}

/** Makes a proxy that forwards requests with the key of `upstream`, and streams the answers back. */
export function proxyUpstream(upstream: Upstream): { proxy: WorkerProxy; close: () => Promise<void> } {
  const api = new ClaudeApi(upstream, TIMEOUTS);
  return {
    proxy: {
      forward: async (request, response, _caller, path) => {
        const closed = new AbortController();
        response.once('close', () => closed.abort());
        const chunks: Buffer[] = [];
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
        const answer = await api.post(path, Buffer.concat(chunks), request.headers, closed.signal);
        response.writeHead(answer.statusCode, responseHeaders(answer.headers)).flushHeaders();
        await pipeline(answer.body, response);
      },
      writeError: writeLlmError,
    },
    close: () => api.close(),
  };
}
