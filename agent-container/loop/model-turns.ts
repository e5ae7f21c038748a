import type { Effort } from '../../protocol/task.ts';
import type { Assignment, Message } from '../../protocol/worker-schemas.ts';
import type { ModelMessage, ToolSpec } from '../model/message.ts';
import type { ModelRequest, Shortening } from '../model/request.ts';
import type { ModelResponse } from '../model/response.ts';
import type { RetryingModelClient } from '../model/retrying-client.ts';
import type { AttemptLimits } from './limits.ts';
import type { RecordEvent, Transcript } from './transcript.ts';
import { turnEvent } from './turn-event.ts';

type Options = {
  assignment: Assignment;
  transcript: Transcript;
  limits: AttemptLimits;
  model: RetryingModelClient;
  /** Of every request. */
  tools: readonly ToolSpec[];
  record: RecordEvent;
  signal: AbortSignal;
};

const RUNNING = [{ type: 'text', text: '(still running)' }];

/** Asks the model about the conversation. Each answer is a turn, with the events `turn.started` and `turn.finished`. */
export class ModelTurns {
  readonly #options: Options;
  #choice: { model: string; effort: Effort };

  constructor(options: Options) {
    this.#options = options;
    const { model, effort = 'medium' } = options.assignment;
    this.#choice = { model, effort };
  }

  /** Sets the model and the effort of the next requests; what is absent stays. */
  use({ model = this.#choice.model, effort = this.#choice.effort }: Pick<Message, 'model' | 'effort'>): void {
    this.#choice = { model, effort };
  }

  /** The model of the next request. */
  get model(): string {
    return this.#choice.model;
  }

  /** Asks for the next message of the model. Rejects as `RetryingModelClient.request` does. */
  ask(shortening: Shortening): Promise<ModelResponse> {
    return this.#ask(this.#request('answer', this.#options.transcript.messages(), shortening));
  }

  /** Asks for a summary of the first messages, which takes their place. Rejects in the same way. */
  summarise(count: number, shortening: Shortening): Promise<ModelResponse> {
    const messages = this.#options.transcript.messages().slice(0, count);
    return this.#ask(this.#request('summary', messages, shortening), { replaces_messages: count });
  }

  /** Leaves the newest documents out of all requests from now on. False: there are none. */
  leaveOutDocuments(): boolean {
    const { model, transcript } = this.#options;
    return model.leaveOutDocuments(transcript.messages());
  }

  /**
   * Keeps the conversation, which waits for calls of the newest answer or for the project's check, in the API's cache
   * for an hour. Rejects if the API does not.
   */
  async keepCached(shortening: Shortening): Promise<void> {
    const { transcript, model, signal } = this.#options;
    const messages = [...transcript.messages()];
    const at = messages.findLastIndex(({ role }) => role === 'assistant');
    const calls = messages[at]?.content.filter(({ type }) => type === 'tool_use') ?? [];
    const results = calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: RUNNING }));
    messages.splice(at + 1, messages.length, { role: 'user', content: results.length > 0 ? results : RUNNING });
    await model.requestOnce(this.#request('cache', messages, shortening), signal);
  }

  async #ask(request: ModelRequest, more: { replaces_messages?: number } = {}): Promise<ModelResponse> {
    const { assignment, transcript, limits, model, record, signal } = this.#options;
    const turn = transcript.turn + 1;
    const ref = `turn-${assignment.attempt}-${turn}`;
    await record({ type: 'turn.started', body: { turn, ref, model: request.model } });
    const started = performance.now();
    const response = await model.request({ turn, ref }, request, signal);
    const duration_ms = Math.round(performance.now() - started);
    if (response.budget_left_usd !== null) limits.setBudgetLeft(response.budget_left_usd, response.budget_reserved_usd);
    const { usage, request_id } = response;
    const content = transcript.validAnswer(response.content);
    const stop_reason = response.stop_reason ?? 'none';
    const body = { turn, ref, model: response.model, content, stop_reason, usage, request_id, duration_ms };
    await record(turnEvent({ ...body, ...more }));
    return response;
  }

  #request(purpose: ModelRequest['purpose'], messages: ModelMessage[], shortening: Shortening): ModelRequest {
    const { transcript, tools } = this.#options;
    return { ...this.#choice, system: transcript.system ?? '', tools, messages, purpose, ...shortening };
  }
}
