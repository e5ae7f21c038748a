import Anthropic from '@anthropic-ai/sdk';
import { Watchdog } from '../base/watchdog.ts';
import type { WorkInput } from '../base/work.ts';
import { ModelError, toModelError } from './error.ts';
import { toApiParams, type ModelRequest } from './request.ts';
import { toModelResponse, type ModelResponse } from './response.ts';

export type ModelTimeouts = {
  /** Until the response begins. */
  headers_ms: number;
  /** Between two bytes of the response. */
  idle_ms: number;
};

type ModelListener = {
  onText: (kind: 'text' | 'thinking', text: string) => void;
  /** Bytes of the response have come, with or without text. */
  onActivity: () => void;
};

/**
 * Makes requests to the Claude API, streamed if they have an answer, each of them once: `retrying-client.ts` repeats
 * them.
 */
export class ModelClient {
  readonly #access: WorkInput['model'];
  readonly #timeouts: ModelTimeouts;

  constructor(access: WorkInput['model'], timeouts: ModelTimeouts) {
    this.#access = access;
    this.#timeouts = timeouts;
  }

  /** Makes one request. Rejects with a `ModelError`, or with the signal's reason when it aborts. */
  async request(request: ModelRequest, signal: AbortSignal, listener: ModelListener): Promise<ModelResponse> {
    const { headers_ms, idle_ms } = this.#timeouts;
    const stalled = new AbortController();
    const watchdog = new Watchdog(idle_ms, () => stalled.abort());
    let headers = new Headers();
    const client = new Anthropic({
      baseURL: this.#access.base_url,
      // A function, because the task's token is renewed while the task runs.
      apiKey: async () => this.#access.token(),
      maxRetries: 0,
      timeout: headers_ms,
      logLevel: 'off',
      fetch: async (url, init) => {
        const response = await this.#access.fetch(url, init);
        ({ headers } = response);
        return watchBytes(response, () => {
          watchdog.touch();
          listener.onActivity();
        });
      },
    });
    try {
      const options = { signal: AbortSignal.any([signal, stalled.signal]) };
      // The API takes no stream of an answer that has no tokens.
      if (request.purpose === 'cache')
        return toModelResponse(
          await client.beta.messages.create({ ...toApiParams(request), stream: false }, options),
          headers,
        );
      const stream = client.beta.messages
        .stream(toApiParams(request), options)
        .on('text', (text) => listener.onText('text', text))
        .on('thinking', (text) => listener.onText('thinking', text));
      return toModelResponse(await stream.finalMessage(), headers);
    } catch (error) {
      signal.throwIfAborted();
      if (!stalled.signal.aborted) throw toModelError(error);
      throw new ModelError('transient', `The Claude API sent nothing for ${idle_ms / 1000} s.`, null, error);
    } finally {
      watchdog.stop();
    }
  }
}

/**
 * The same response; `onBytes` is called when it begins and for each of its chunks, also for those that the SDK hides.
 */
function watchBytes(response: Response, onBytes: () => void): Response {
  if (!response.body) return response;
  onBytes();
  const watched = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (bytes, controller) => {
        onBytes();
        controller.enqueue(bytes);
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(watched, { status, statusText, headers });
}
