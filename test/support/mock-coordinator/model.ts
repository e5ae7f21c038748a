import { pipeline } from 'node:stream/promises';
import type { WorkerProxy } from '../../../coordinator/worker-api/caller.ts';
import { startDemoModel } from '../../../coordinator/demo/demo-model.ts';
import { writeLlmError } from '../../../coordinator/worker-api/model/error.ts';
import { responseHeaders } from '../../../coordinator/worker-api/model/headers.ts';
import { ClaudeApi, TIMEOUTS, type Upstream } from '../../../coordinator/worker-api/model/upstream.ts';
import { DEMO_MODEL } from '../../../coordinator/domain/prices.ts';

export type ServedModel = { model: string; proxy: WorkerProxy; close: () => Promise<void> };

/** The Claude API where there is a key in the environment, else the demo model. Nothing is metered. */
export async function serveModel(env: NodeJS.ProcessEnv, model: string | undefined): Promise<ServedModel> {
  const api_key = env.ANTHROPIC_API_KEY ?? env.CLAUDE_API_KEY;
  if (api_key) {
    const base_url = (env.ANTHROPIC_BASE_URL ?? 'https://api.anthropic.com').replace(/\/+$/, '');
    const carried = proxyUpstream({ base_url, api_key });
    return { model: model ?? 'claude-sonnet-5-5', ...carried };
  }
  const demo = await startDemoModel();
  const carried = proxyUpstream({ base_url: demo.base_url, api_key: 'demo' });
  const close = async () => {
    await Promise.all([carried.close(), demo.close()]);
  };
  return { model: DEMO_MODEL, proxy: carried.proxy, close };
}

/** Carries requests on with another key, and the answers back as they come. */
export function proxyUpstream(upstream: Upstream): { proxy: WorkerProxy; close: () => Promise<void> } {
  const api = new ClaudeApi(upstream, TIMEOUTS);
  return {
    proxy: {
      carry: async (request, response, _caller, path) => {
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
