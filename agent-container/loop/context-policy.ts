import { join } from 'node:path';
import { AttemptFailure } from '../base/failure.ts';
import { cutMiddle } from '../base/head-and-tail.ts';
import { replaceFile } from '../base/regular-file.ts';
import type { WorkInput } from '../base/work.ts';
import { ModelError } from '../model/error.ts';
import { CLEAR_FROM_TOKENS, summaryAtTokens, summaryIn, type Shortening } from '../model/request.ts';
import type { ModelResponse } from '../model/response.ts';
import type { Shell } from '../shell/shell.ts';
import type { AttemptLimits } from './limits.ts';
import type { ModelTurns } from './model-turns.ts';
import { shellNote } from './new-shell.ts';
import { OPENING_AGAIN, type RecordEvent, type Transcript } from './transcript.ts';

/**
 * From which length on a conversation is summarised, usually as its model has it, and how much of its newest part stays
 * word for word. `too_long`: the API would not take it; `too_expensive`: the rest of the budget pays for only a few
 * prompts like it.
 */
const FROM_TOKENS = { too_long: 50_000, too_expensive: 20_000 };
const KEPT_TOKENS = { usual: 20_000, too_long: 20_000, too_expensive: 5_000 };
type Why = keyof typeof KEPT_TOKENS;
const DETAIL_CHARS_MAX = 2_000;
const SAID_CHARS_MAX = 40_000;
const TOO_EXPENSIVE =
  '[Errand] The rest of the budget does not pay for this conversation any more: the results of tools are left out of it, ' +
  'the newest too. Do not ask for long outputs again. Finish the work now, and end with your summary.';
const CONTEXT_EXHAUSTED =
  "The conversation no longer fits into the model's context, even shortened. Give a new task with what is left to do.";

type Options = {
  /** `scratch_dir`: the model can read it. */
  input: Pick<WorkInput, 'repo_dir' | 'scratch_dir'>;
  transcript: Transcript;
  limits: Pick<AttemptLimits, 'is_prompt_too_expensive' | 'rest'>;
  turns: ModelTurns;
  /** The shell of the agent's commands. */
  shell: Pick<Shell, 'cwd' | 'running'>;
  record: RecordEvent;
  /** Adds a note of the worker to the conversation. */
  say: (text: string) => Promise<void>;
};

/**
 * Keeps the conversation short. A long one is summarised: the API is asked for a summary of all but the newest turns.
 * Old results are left out only where the conversation is too long even so, since each time that costs the whole
 * cache.
 */
export class ContextPolicy {
  readonly #options: Options;
  /** Not 'no': the last request was refused for its length or price, and the conversation could not be summarised. */
  #shorten_context: Shortening['shorten_context'] = 'no';
  /** Whether the API has to summarise by itself, since it refused to do so when it was asked. */
  #api_summarises = false;
  /** Whether the model knows that the budget no longer pays for its results. */
  #is_told = false;
  /** Which results the API left out of the newest request. */
  #cleared = '';

  constructor(options: Options) {
    this.#options = options;
  }

  /** How the API is to shorten the next request. */
  get shortening(): Shortening {
    return { shorten_context: this.#shorten_context, api_summarises: this.#api_summarises };
  }

  /** Prepares the conversation for a request: one that has become long, or too expensive, is summarised. */
  async makeRoom(): Promise<void> {
    const { transcript, limits, turns } = this.#options;
    const why = limits.is_prompt_too_expensive
      ? 'too_expensive'
      : this.#shorten_context === 'no'
        ? 'usual'
        : 'too_long';
    const from_tokens = { ...FROM_TOKENS, usual: summaryAtTokens(turns.model) }[why];
    const is_long = transcript.size.tokens >= from_tokens;
    if (is_long && (await this.#summarise(why))) this.#shorten_context = 'no';
    if (transcript.lacks_opening) await this.#restate();
  }

  /**
   * Makes the next request shorter, after one was too long or too expensive. Throws `AttemptFailure` if it was as short
   * as it can be.
   */
  async handleRefusal(error?: ModelError): Promise<void> {
    const { transcript, turns } = this.#options;
    const is_too_expensive = error?.kind === 'budget_spent';
    const is_short = is_too_expensive && transcript.size.tokens < CLEAR_FROM_TOKENS;
    if (this.#shorten_context !== 'no' && !is_too_expensive && turns.leaveOutDocuments()) return;
    if (this.#shorten_context !== 'no' || is_short)
      throw is_too_expensive
        ? new AttemptFailure('budget_exhausted', error.message, error)
        : new AttemptFailure('context_exhausted', CONTEXT_EXHAUSTED, error);
    if (is_too_expensive) {
      // What is left may pay for a shorter prompt, but not for a summary.
      this.#shorten_context = 'all_results';
      if (!this.#is_told) await this.#options.say(TOO_EXPENSIVE);
      this.#is_told = true;
    } else if (!(await this.#summarise('too_long'))) this.#shorten_context = 'old_results';
  }

  /** Reports how the API shortened the context by itself. An answer that found no room in it counts as a refusal. */
  async handleAnswer(response: ModelResponse): Promise<void> {
    await this.#report(response);
    if (response.stop_reason === 'model_context_window_exceeded') return this.handleRefusal();
    this.#shorten_context = 'no';
  }

  /** Returns whether a summary has taken the place of most of the conversation. */
  async #summarise(why: Why): Promise<boolean> {
    const { transcript, turns } = this.#options;
    const count = transcript.size.cut(KEPT_TOKENS[why], why === 'too_expensive');
    if (count === null || this.#api_summarises || summaryIn(transcript.messages()) === 'own') return false;
    const before = transcript.messages().length;
    const response = await turns.summarise(count, this.shortening).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
      return error;
    });
    // A turn may still be cheap enough, and later summaries too.
    if (response instanceof ModelError && response.kind === 'budget_spent') return false;
    const is_summarised = transcript.messages().length < before;
    // The API failed to write one: it is not asked again at each turn.
    if (!is_summarised) this.#api_summarises = true;
    if (response instanceof Error || !is_summarised) return false;
    await this.#report(response);
    return true;
  }

  async #report({ reductions }: ModelResponse): Promise<void> {
    const { transcript, record } = this.#options;
    for (const { means, detail } of reductions) {
      // The API leaves the same results out of each request: only a change is reported.
      if (means === 'clear_tool_uses' && detail === this.#cleared) continue;
      if (means === 'clear_tool_uses') this.#cleared = detail;
      const body = { turn: transcript.turn, means, detail: detail.slice(0, DETAIL_CHARS_MAX) };
      await record({ type: 'context.reduced', body });
    }
  }

  /** A summary is not word for word: what the conversation is about is said again. */
  async #restate(): Promise<void> {
    const { input, transcript, limits, shell } = this.#options;
    const { opening, standing_note, plan } = transcript;
    const begin = opening.flatMap(({ type, text }) => (type === 'text' && typeof text === 'string' ? [text] : []));
    const items = plan.map(({ text, status }) => `- ${text} (${status.replace('_', ' ')})`);
    const parts = [
      OPENING_AGAIN,
      ...begin,
      ...(standing_note === '' ? [] : [standing_note]),
      ...(await this.#said()),
      ...(items.length > 0 ? [`# Your plan, as you last set it\n\n${items.join('\n')}`] : []),
      `# Your shell\n\n${shellNote(shell, input.repo_dir)}`,
      `# What is left\n\nFrom now on you have ${limits.rest}.`,
    ];
    await this.#options.say(parts.join('\n\n'));
  }

  /** What the person has said since the beginning. Of very much the middle is only in a file. */
  async #said(): Promise<string[]> {
    const { input, transcript } = this.#options;
    const text = transcript.said.join('\n\n');
    if (text === '') return [];
    const parts = ['# Later messages of the person', cutMiddle(text, SAID_CHARS_MAX)];
    if (text.length <= SAID_CHARS_MAX) return parts;
    const path = join(input.scratch_dir, 'messages-of-the-person.txt');
    // On a full disk the middle is lost.
    const is_written = await replaceFile(path, text).then(
      () => true,
      () => false,
    );
    return is_written
      ? [...parts, `The whole of these messages is in ${path}: read there what is left out here.`]
      : parts;
  }
}

/** The API will not write a summary of this conversation. The same request would be refused again. */
function isRefusal(error: unknown): error is ModelError | AttemptFailure {
  return error instanceof ModelError || (error instanceof AttemptFailure && error.reason === 'model_rejected');
}
