import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { toMessage, toStream, type MessageBlock, type ModelMessage } from '../../../coordinator/demo/message-stream.ts';
import { billOf, Cache, type PassUsage } from './bill.ts';
import { clear, CONTEXT_TOKENS, count, partsOf, textTokens, withoutSummarised, type PromptRequest } from './count.ts';

/**
 * What the API does with one request. `cut_after`: the stream breaks after this many frames, with an error event or
 * without. `lies`: the reported usage is replaced by this, while the bill stays true.
 */
export type Plan = {
  thinking?: string;
  text?: string;
  tools?: { name: string; input: Record<string, unknown> }[];
  /** At most `max_tokens` are billed. The default follows from the text. */
  output_tokens?: number;
  /** The length of a summary, if the prompt is long enough for one. */
  summary_tokens?: number;
  /** A summary that was asked for is not part of the reported usage, but extra work beside it. */
  summary_apart?: boolean;
  fault?:
    | { kind: 'status'; status: number }
    | { kind: 'reset' }
    | { kind: 'cut' | 'error_event' | 'stall'; cut_after: number };
  lies?: Record<string, unknown>;
  model?: string;
};

export type BilledApi = {
  base_url: string;
  /** The bill of each errand, by the `metadata.user_id` of its requests. */
  bill: (user_id: string) => number;
  cache: Cache;
  counts: number;
  /** The answer's usage, for each message request that was billed. */
  usages: PassUsage[];
};

type Planner = (request: PromptRequest, n: number) => Plan;

/** A Claude API on a free port that counts, caches and bills by the real rules. Stops with the test. */
export async function startBilledApi(
  t: ExecutionContext,
  plan: Planner,
  countFault: () => number | undefined = () => undefined,
): Promise<BilledApi> {
  const bills = new Map<string, number>();
  const usages: PassUsage[] = [];
  const api: BilledApi = { base_url: '', bill: (id) => bills.get(id) ?? 0, cache: new Cache(), counts: 0, usages };
  const charge = (request: PromptRequest, usage: PassUsage) => {
    const id = request.metadata?.user_id ?? '';
    bills.set(id, (bills.get(id) ?? 0) + billOf(request.model, usage));
    usages.push(usage);
  };
  let n = 0;
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = JSON.parse(Buffer.concat(chunks).toString()) as PromptRequest;
      const effective = { ...request, messages: withoutSummarised(request.messages) };
      if (incoming.url?.endsWith('/count_tokens') === true) {
        api.counts++;
        const status = countFault();
        if (status !== undefined) return fail(response, status);
        const original_input_tokens = count(partsOf(effective));
        const input_tokens = count(partsOf(clear(effective)));
        return send(response, { input_tokens, context_management: { original_input_tokens } });
      }
      void answer(effective, plan(request, n++), api.cache, charge, response);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  api.base_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return api;
}

async function answer(
  effective: PromptRequest,
  plan: Plan,
  cache: Cache,
  charge: (request: PromptRequest, usage: PassUsage) => void,
  response: ServerResponse,
): Promise<void> {
  const { fault } = plan;
  if (fault?.kind === 'status') return fail(response, fault.status);
  const cleared = clear(effective);
  const parts = partsOf(cleared);
  if (count(parts) > CONTEXT_TOKENS) return fail(response, 400);
  const passes = passesOf(cleared, parts, plan, cache);
  const own = passes.at(-1);
  if (!own) throw new Error('There is no answer.');
  const message = toModelMessage(effective, plan, passes, cleared !== effective);
  if (fault === undefined) {
    for (const pass of passes) charge(effective, pass);
    return effective.stream === true
      ? void (await stream(response, message, Infinity))
      : send(response, toMessage(message));
  }
  const is_streamed = effective.stream === true && fault.kind !== 'reset';
  const frames = is_streamed ? await stream(response, message, fault.cut_after) : [];
  if (fault.kind === 'error_event' && !response.writableEnded)
    response.write(
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
    );
  // What was written is billed, and what a model writes in the seconds before it notices.
  const written = frames.length === 0 ? 900 : textTokens(plan.text ?? '');
  const output_tokens = response.writableEnded ? own.output_tokens : Math.min(own.output_tokens, written);
  for (const pass of [...passes.slice(0, -1), { ...own, output_tokens }]) charge(effective, pass);
  if (fault.kind !== 'stall') setTimeout(() => response.destroy(), 2);
}

/** The passes over the prompt: that of a summary, if it is long enough for one, and that of the answer. */
function passesOf(request: PromptRequest, parts: ReturnType<typeof partsOf>, plan: Plan, cache: Cache): PassUsage[] {
  const text = `${plan.thinking ?? ''}${plan.text ?? ''}${JSON.stringify(plan.tools ?? '')}`;
  const asked = request.compaction ? (plan.summary_tokens ?? 3_000) : (plan.output_tokens ?? textTokens(text));
  const output = Math.min(request.max_tokens, asked);
  const edit = request.context_management?.edits.find(({ type }) => type.startsWith('compact'));
  if (!edit || count(parts) < (edit.trigger?.value ?? 150_000)) return [cache.read(request, parts, output)];
  const summary = Math.min(request.max_tokens, plan.summary_tokens ?? 3_000);
  const head = partsOf({ ...request, messages: [] });
  return [
    cache.read(request, parts, summary),
    cache.read(
      request,
      [...head, { tokens: summary, text: randomBytes(9).toString('base64'), mark: undefined }],
      output,
    ),
  ];
}

function toModelMessage(request: PromptRequest, plan: Plan, passes: PassUsage[], is_cleared: boolean): ModelMessage {
  const [own, compaction] = [passes.at(-1), passes.length > 1 ? passes[0] : undefined];
  const summary_tokens = (request.compaction ? own : compaction)?.output_tokens;
  const summary: MessageBlock[] =
    summary_tokens === undefined ? [] : [{ type: 'compaction', content: summaryOf(summary_tokens) }];
  const tools = (plan.tools ?? []).map(({ name, input }): MessageBlock => {
    const id = `toolu_${randomBytes(12).toString('hex')}`;
    return { type: 'tool_use', id, name, input_json: JSON.stringify(input) };
  });
  const { thinking } = plan;
  const thoughts: MessageBlock[] =
    thinking === undefined ? [] : [{ type: 'thinking', thinking, signature: randomBytes(100).toString('base64') }];
  const text: MessageBlock[] = plan.text === undefined ? [] : [{ type: 'text', text: plan.text }];
  const content = request.compaction ? summary : [...summary, ...thoughts, ...text, ...tools];
  const is_apart = request.compaction !== undefined && plan.summary_apart === true;
  const extra = is_apart ? own : compaction;
  const message = is_apart ? [] : [{ type: 'message', ...own }];
  const edits = is_cleared ? [{ type: 'clear_tool_uses_20250919', cleared_tool_uses: 1, cleared_input_tokens: 1 }] : [];
  return {
    id: `msg_${randomBytes(12).toString('hex')}`,
    model: plan.model ?? request.model,
    content,
    stop_reason: request.compaction ? 'compaction' : tools.length > 0 ? 'tool_use' : 'end_turn',
    stop_details: null,
    usage: {
      ...(is_apart ? NO_TOKENS : own),
      output_tokens_details: { thinking_tokens: 0 },
      iterations: extra ? [{ type: 'compaction', ...extra }, ...message] : null,
      ...plan.lies,
    } as ModelMessage['usage'],
    context_management: request.context_management ? { applied_edits: edits } : null,
  };
}

const NO_TOKENS: PassUsage = {
  input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens: 0,
};

/** A text of this many tokens. */
function summaryOf(tokens: number): string {
  return 'word'.repeat(1) + ' wor'.repeat(Math.max(0, Math.floor((tokens - 1) / 2)));
}

/** Writes the frames of the stream, at most this many. Returns those. */
async function stream(response: ServerResponse, message: ModelMessage, frames_max: number): Promise<string[]> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).flushHeaders();
  const frames = [...toStream(message, 200)];
  const sent = frames.slice(0, frames_max);
  await new Promise((resolve) => response.write(sent.join(''), resolve));
  if (sent.length === frames.length) response.end();
  return sent;
}

function send(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function fail(response: ServerResponse, status: number): void {
  const error = { type: status === 400 ? 'invalid_request_error' : 'overloaded_error', message: 'prompt is too long' };
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ type: 'error', error }));
}
