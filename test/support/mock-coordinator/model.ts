import { pipeline } from 'node:stream/promises';
import type { WorkerProxy } from '../../../coordinator/worker-api/caller.ts';
import { startDemoModel } from '../../../coordinator/demo/demo-model.ts';
import { writeLlmError } from '../../../coordinator/worker-api/model/error.ts';
import { responseHeaders } from '../../../coordinator/worker-api/model/headers.ts';
import { ClaudeApi, TIMEOUTS, type Upstream } from '../../../coordinator/worker-api/model/upstream.ts';
import { DEMO_MODEL } from '../../../coordinator/domain/prices.ts';

export type ServedModel = { model: string; proxy: WorkerProxy; close: () => Promise<void> };

/** Serves the Claude API if the environment has a key, otherwise the demo model. Does not meter. */
export async function serveModel(env: NodeJS.ProcessEnv, model: string | undefined): Promise<ServedModel> {
  const api_key = env.ANTHROPIC_API_KEY ?? env.CLAUDE_API_KEY;
  if (api_key) {
    const base_url = (env.ANTHROPIC_BASE_URL ?? 'https://api.anthropic.com').replace(/\/+$/, '');
    return { model: model ?? 'claude-sonnet-5-5', ...proxyUpstream({ base_url, api_key }) };
  }
  const demo = await startDemoModel();
  const upstream = proxyUpstream({ base_url: demo.base_url, api_key: 'demo' });
  const close = async () => {
    await Promise.all([upstream.close(), demo.close()]);
  };
  return { model: DEMO_MODEL, proxy: upstream.proxy, close };
}

/** Forwards requests with another key and streams the responses back. */
export function proxyUpstream(upstream: Upstream): { proxy: WorkerProxy; close: () => Promise<void> } {
  const api = new ClaudeApi(upstream, TIMEOUTS);
  return {
    proxy: {
      carry: async (request, response, _caller, path) => {
        const closed = new AbortController();
        response.once('close', () => closed.abort());
        const chunks: Buffer[] = [];
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
        const reply = await api.post(path, Buffer.concat(chunks), request.headers, closed.signal);
        response.writeHead(reply.statusCode, responseHeaders(reply.headers)).flushHeaders();
        await pipeline(reply.body, response);
      },
      writeError: writeLlmError,
    },
    close: () => api.close(),
  };
}
