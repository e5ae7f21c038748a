import { AttemptFailure } from '../base/failure.ts';
import { cutMiddle } from '../base/head-and-tail.ts';
import { ModelError } from '../model/error.ts';
import { SUMMARY_AT_TOKENS, summaryIn } from '../model/request.ts';
import type { ModelResponse } from '../model/response.ts';
import type { RetryingModelClient } from '../model/retrying-client.ts';
import { ContextReductions } from './context-reductions.ts';
import type { ModelTurns } from './model-turns.ts';
import { OPENING_AGAIN, type RecordEvent, type Transcript } from './transcript.ts';

/** How much of the newest conversation stays word for word. */
const KEPT_TOKENS = 20_000;
const SAID_CHARS_MAX = 40_000;
const CONTEXT_EXHAUSTED =
  "The conversation no longer fits into the model's context, even shortened. Give a new task with what is left to do.";

type Options = {
  transcript: Transcript;
  turns: ModelTurns;
  model: RetryingModelClient;
  record: RecordEvent;
  /** Adds a note of the worker to the conversation. */
  say: (text: string) => Promise<void>;
};

/**
 * Keeps the conversation short. A long one is summarised: the API is asked for a summary of all but the newest turns. Old
 * results are left out only where the conversation is too long even so, since each time that costs the whole cache.
 */
export class ContextPolicy {
  readonly #options: Options;
  readonly #reductions: ContextReductions;

  constructor(options: Options) {
    this.#options = options;
    this.#reductions = new ContextReductions(options.record);
  }

  /** Prepares the conversation for a request: one that has become long is summarised. */
  async makeRoom(): Promise<void> {
    const { transcript, model } = this.#options;
    const is_long = transcript.size.tokens >= SUMMARY_AT_TOKENS || model.shorten_context;
    if (is_long && (await this.#summarise())) model.shorten_context = false;
    if (transcript.lacks_opening) await this.#restate();
  }

  /**
   * Makes the next request shorter, after one was too long. Throws `AttemptFailure` if it was as short as it can be.
   */
  async handleOverflow(error?: ModelError): Promise<void> {
    const { model } = this.#options;
    if (model.shorten_context) throw new AttemptFailure('context_exhausted', CONTEXT_EXHAUSTED, error);
    if (!(await this.#summarise())) model.shorten_context = true;
  }

  /** Reports how the API shortened the context by itself, in an answer. */
  async handleAnswer({ reductions }: ModelResponse): Promise<void> {
    await this.#reductions.report(this.#options.transcript.turn, reductions);
  }

  /** Returns whether a summary has taken the place of most of the conversation. */
  async #summarise(): Promise<boolean> {
    const { transcript, turns, model } = this.#options;
    const count = transcript.size.cut(KEPT_TOKENS);
    if (count === null || model.api_summarises || summaryIn(transcript.messages()) === 'own') return false;
    const before = transcript.messages().length;
    const response = await turns.summarise(count).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
      model.api_summarises = true;
      return null;
    });
    const is_summarised = transcript.messages().length < before;
    // The API failed to write one: it is not asked again at each turn.
    if (!is_summarised) model.api_summarises = true;
    if (response === null || !is_summarised) return false;
    model.messagesReplaced(count);
    await this.handleAnswer(response);
    return true;
  }

  /** A summary is not word for word: what the conversation is about is said again. */
  async #restate(): Promise<void> {
    const { opening, said, plan } = this.#options.transcript;
    const begin = opening.flatMap(({ type, text }) => (type === 'text' && typeof text === 'string' ? [text] : []));
    const items = plan.map(({ text, status }) => `- ${text} (${status.replace('_', ' ')})`);
    const parts = [
      OPENING_AGAIN,
      ...begin,
      ...(said.length > 0 ? [`# Later messages of the person\n\n${cutMiddle(said.join('\n\n'), SAID_CHARS_MAX)}`] : []),
      ...(items.length > 0 ? [`# Your plan, as you last set it\n\n${items.join('\n')}`] : []),
    ];
    await this.#options.say(parts.join('\n\n'));
  }
}

/** The API will not write a summary of this conversation. The same request would be refused again. */
function isRefusal(error: unknown): boolean {
  if (error instanceof ModelError) return error.kind === 'context_overflow';
  return error instanceof AttemptFailure && error.reason === 'model_rejected';
}
