import { AttemptFailure } from '../base/failure.ts';
import type { WorkInput } from '../base/work.ts';
import type { ModelResponse } from '../model/response.ts';
import { CONTEXT_EXHAUSTED, type RetryingModelClient } from '../model/retrying-client.ts';
import { ContextReductions } from './context-reductions.ts';
import type { AttemptLimits } from './limits.ts';
import { StuckDetector } from './stuck.ts';
import type { ToolCalls } from './tool-calls.ts';
import { TOOL_SPECS } from './tool-specs.ts';
import type { RecordEvent, Transcript } from './transcript.ts';
import { turnEvent } from './turn-event.ts';

/** Turns in a row that neither called a tool nor ended the work. */
const IDLE_TURNS_MAX = 3;
/** How often the verify command may fail until its output no longer goes back to the model. */
const VERIFY_FAILURES_MAX = 5;
const QUESTION_MS_MAX = 30 * 60_000;

type Options = {
  input: WorkInput;
  transcript: Transcript;
  limits: AttemptLimits;
  model: RetryingModelClient;
  tool_calls: ToolCalls;
  /**
   * Runs the verify command. Null: it passed, or there is none. Otherwise a text for the model that says how it failed.
   */
  verify: () => Promise<string | null>;
  record: RecordEvent;
  /** How long the work may go on without a checkpoint. */
  checkpoint_ms: number;
  /** Aborts on a cancel, and when the time is up. */
  signal: AbortSignal;
};

/**
 * The agent loop: it asks the model, runs the tools that the model calls, and answers with their results, until the
 * model ends its turn and the work is verified. What it does next depends only on the transcript, so a resumed attempt
 * continues in the middle.
 */
export class Loop {
  readonly #options: Options;
  readonly #stuck = new StuckDetector();
  readonly #reductions: ContextReductions;
  #idle_turns = 0;
  #verify_failures = 0;
  #checkpoint_at: number;

  constructor(options: Options) {
    this.#options = options;
    this.#reductions = new ContextReductions(options.record);
    this.#checkpoint_at = performance.now() + options.checkpoint_ms;
  }

  /** Resolves once the work is done. Rejects with `AttemptFailure`, or with the signal's reason. */
  async run(): Promise<void> {
    const { transcript, signal } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      await this.#addMessages();
      const stop_reason = transcript.unanswered_stop_reason;
      if (stop_reason === null) await this.#askModel();
      else if (await this.#answer(stop_reason)) return;
    }
  }

  /** Adds the messages that people sent. Returns whether there were any. */
  async #addMessages(): Promise<boolean> {
    const { input, transcript } = this.#options;
    // Messages follow the results of a turn, so they wait while calls are open.
    if (transcript.openCalls().length > 0) return false;
    const fresh = input.messages.take().filter(({ id }) => !transcript.message_ids.has(id));
    for (const { id, text } of fresh) await this.#say('person', text, id);
    if (fresh.length > 0) this.#idle_turns = 0;
    return fresh.length > 0;
  }

  async #say(source: 'person' | 'verify' | 'harness', text: string, message_id?: string): Promise<void> {
    const { transcript, record } = this.#options;
    const id = message_id === undefined ? {} : { message_id };
    await record({ type: 'input.added', body: { turn: transcript.turn, source, text, ...id } });
  }

  async #askModel(): Promise<void> {
    const { input, transcript, limits, model, record, signal } = this.#options;
    for (const { note, ...warning } of limits.beginTurn()) {
      await record({ type: 'limit.near', body: warning });
      await this.#say('harness', note);
    }
    const turn = transcript.turn + 1;
    const { model: model_name, effort = 'medium', attempt } = input.assignment;
    const ref = `turn-${attempt}-${turn}`;
    await record({ type: 'turn.started', body: { turn, ref, model: model_name } });
    const started = performance.now();
    const messages = transcript.messages();
    const request = { model: model_name, effort, system: transcript.system ?? '', tools: TOOL_SPECS, messages };
    model.shorten_context ||= limits.is_prompt_too_dear;
    const response = await model.request({ turn, ref }, request, signal);
    const duration_ms = Math.round(performance.now() - started);
    if (response.budget_left_usd !== null) limits.setBudgetLeft(response.budget_left_usd, response.budget_reserved_usd);
    const { usage, request_id } = response;
    const content = transcript.validAnswer(response.content);
    const stop_reason = response.stop_reason ?? 'none';
    const body = { turn, ref, model: response.model, content, stop_reason, usage, request_id, duration_ms };
    await record(turnEvent(body));
    await this.#reportReductions(turn, response);
    await this.#checkResponse(response);
  }

  async #reportReductions(turn: number, { reductions, stop_reason }: ModelResponse): Promise<void> {
    const { plan } = this.#options.transcript;
    const is_compacted = await this.#reductions.report(turn, reductions);
    if (!is_compacted || stop_reason !== 'tool_use' || plan.length === 0) return;
    const items = plan.map(({ text, status }) => `- ${text} (${status.replace('_', ' ')})`).join('\n');
    await this.#say('harness', `[Errand] Your plan, as you last set it:\n${items}`);
  }

  /** Handles a response that the transcript leaves out: it ends the work, or the request is made again. */
  async #checkResponse({ stop_reason, refusal }: ModelResponse): Promise<void> {
    const { model, transcript } = this.#options;
    this.#idle_turns++;
    if (stop_reason === 'refusal')
      throw new AttemptFailure('refused', `The model refused to go on${refusal === null ? '' : `: ${refusal}`}`);
    if (stop_reason === 'model_context_window_exceeded') {
      if (model.shorten_context) throw new AttemptFailure('context_exhausted', CONTEXT_EXHAUSTED);
      model.shorten_context = true;
      return;
    }
    model.shorten_context = false;
    if (transcript.unanswered_stop_reason !== null) return;
    this.#failIfIdle();
    await this.#say('harness', '[Errand] Your answer was empty. Go on, or end with your summary.');
  }

  /** Answers the newest turn. Returns true once the work is done. */
  async #answer(stop_reason: string): Promise<boolean> {
    switch (stop_reason) {
      case 'tool_use':
        await this.#callTools();
        return false;
      case 'end_turn':
      case 'stop_sequence':
        await this.#refuseOpenCalls('Not executed: the turn had ended.');
        return this.#finish();
      case 'max_tokens':
        await this.#continueTurn(
          'Not executed: your answer was cut off at its maximum length, perhaps within this call. Repeat it in smaller parts.',
          '[Errand] Your answer was cut off at its maximum length. Continue from there, in smaller steps.',
        );
        return false;
      case 'pause_turn':
      case 'compaction':
        await this.#continueTurn('Not executed: the turn was paused. Make the call again.', '[Errand] Go on.');
        return false;
      default:
        await this.#continueTurn(
          `Not executed: the answer stopped for a reason that is not known here (${stop_reason}). Make the call again.`,
          '[Errand] Go on, or end with your summary.',
        );
        return false;
    }
  }

  /** Answers a turn that was broken off: refuses its calls if it has any, else says something. */
  async #continueTurn(refusal: string, text: string): Promise<void> {
    const has_calls = this.#options.transcript.openCalls().length > 0;
    await this.#refuseOpenCalls(refusal);
    this.#failIfIdle();
    if (!has_calls) await this.#say('harness', text);
  }

  async #callTools(): Promise<void> {
    const { transcript, tool_calls, limits } = this.#options;
    const calls = transcript.openCalls();
    if (calls.length === 0)
      return this.#continueTurn('', '[Errand] You stopped to call a tool, but there is no call. Make it.');
    const question_ms = Math.max(1, Math.round(Math.min(QUESTION_MS_MAX, limits.ms_left / 2)));
    const results = await tool_calls.run(transcript.turn, calls, question_ms);
    this.#idle_turns = 0;
    const state = this.#stuck.check({
      calls: calls.map(({ name, input }) => ({ name, input })),
      results: results.map(({ content }) => content),
      failed: results.every(({ is_error }) => is_error),
    });
    if (state === 'stuck')
      throw new AttemptFailure('stuck', 'The agent repeated the same actions, with the same outcome.');
    if (state === 'warn')
      await this.#say(
        'harness',
        '[Errand] You did the same several times, with the same outcome. Stop and think: try another way, or end and say what ' +
          'is in the way.',
      );
    await this.#checkpoint();
  }

  /** Ends the work, unless there is a new message or the verify command fails. */
  async #finish(): Promise<boolean> {
    const { verify, limits } = this.#options;
    const failure = await verify();
    if (failure === null) return !(await this.#addMessages());
    this.#verify_failures++;
    const may_go_on = this.#idle_turns < IDLE_TURNS_MAX && this.#verify_failures < VERIFY_FAILURES_MAX;
    if (!may_go_on || limits.turns_left <= 0) throw new AttemptFailure('verify_failed', failure);
    await this.#say('verify', `[Errand] ${failure}\nFix the cause, and then end again.`);
    return false;
  }

  async #refuseOpenCalls(text: string): Promise<void> {
    const { transcript, tool_calls } = this.#options;
    await tool_calls.refuse(transcript.turn, transcript.openCalls(), text);
  }

  #failIfIdle(): void {
    if (this.#idle_turns >= IDLE_TURNS_MAX)
      throw new AttemptFailure(
        'stuck',
        `The model's answers led to nothing ${IDLE_TURNS_MAX} times in a row. The last one stopped with ${this.#options.transcript.stop_reason}.`,
      );
  }

  async #checkpoint(): Promise<void> {
    const { input, checkpoint_ms } = this.#options;
    if (performance.now() < this.#checkpoint_at) return;
    await input.checkpoint();
    this.#checkpoint_at = performance.now() + checkpoint_ms;
  }
}
