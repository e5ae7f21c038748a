import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { BrowserGuard } from '../base/browser-guard.ts';
import { BodyReader } from '../worker-api/body.ts';
import { ThreadPool } from '../base/threads.ts';
import { writeLlmError } from '../worker-api/model/error.ts';
import { DEMO_MODEL } from '../domain/prices.ts';
import { toMessage, toStream, type ModelMessage, type MessageBlock } from './message-stream.ts';
import { Conversation, DEMO_REQUEST, type DemoRequest } from './conversation.ts';
import { decide } from './decide.ts';

export type DemoModel = { base_url: string; close: () => Promise<void> };

const PIECE_CHARS = 4;
/** Its only client is the coordinator, which has limited the bodies of each task. */
const LIMITED = {
  bytes_max: LIMITS.llm_body_bytes_max,
  bytes_per_s: LIMITS.llm_burst_bytes_max,
  burst_bytes: 4 * LIMITS.llm_burst_bytes_max,
};
const guard = new BrowserGuard([]);

/**
 * Starts the demo model, which replaces the Claude API on a server without an API key: an HTTP server on a loopback
 * port that can do the sample errand. It streams like the real API, a piece every `pace_ms` milliseconds so that a user
 * can watch.
 */
export async function startDemoModel(options: { pace_ms?: number } = {}): Promise<DemoModel> {
  const { pace_ms = 25 } = options;
  const closing = new AbortController();
  const threads = new ThreadPool();
  const bodies = new BodyReader(threads, LIMITED);
  const server = createServer((request, response) => {
    const request_id = `req_demo_${randomBytes(8).toString('hex')}`;
    const served = async (): Promise<void> => {
      guard.check(request);
      const { value } = await bodies.read(request, '', DEMO_REQUEST);
      await serve(value, request.url, response, request_id, pace_ms, closing.signal);
    };
    served().catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else writeLlmError(response, error, request_id);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    base_url: `http://127.0.0.1:${port}`,
    close: async () => {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, threads.close()]);
    },
  };
}

async function serve(
  demo_request: DemoRequest,
  url: string | undefined,
  response: ServerResponse,
  request_id: string,
  pace_ms: number,
  closing: AbortSignal,
): Promise<void> {
  if (demo_request.model !== DEMO_MODEL)
    throw new ErrandError(
      'not_found',
      `model: ${demo_request.model}. Without an API key only the model '${DEMO_MODEL}' is available.`,
    );
  response.setHeader('request-id', request_id);
  const input_tokens = Math.ceil(JSON.stringify(demo_request).length / 4);
  if (url === '/v1/messages/count_tokens') return sendJson(response, { input_tokens });
  const message = nextMessage(new Conversation(demo_request), input_tokens);
  if (demo_request.stream !== true) return sendJson(response, toMessage(message));
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  for (const frame of toStream(message, PIECE_CHARS)) {
    if (response.destroyed) return;
    if (pace_ms > 0) await pause(pace_ms, undefined, { signal: closing });
    response.write(frame);
  }
  response.end();
}

function nextMessage(conversation: Conversation, input_tokens: number): ModelMessage {
  const { text, tools } = decide(conversation);
  const content: MessageBlock[] = [
    { type: 'text', text },
    ...tools.map(({ name, input }): MessageBlock => {
      const id = `toolu_demo_${randomBytes(8).toString('hex')}`;
      return { type: 'tool_use', id, name, input_json: JSON.stringify(input) };
    }),
  ];
  return {
    id: `msg_demo_${randomBytes(8).toString('hex')}`,
    model: DEMO_MODEL,
    content,
    stop_reason: tools.length > 0 ? 'tool_use' : 'end_turn',
    stop_details: null,
    usage: {
      input_tokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      output_tokens: Math.ceil(JSON.stringify(content).length / 4),
      output_tokens_details: { thinking_tokens: 0 },
      iterations: null,
    },
    context_management: null,
  };
}

function sendJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
