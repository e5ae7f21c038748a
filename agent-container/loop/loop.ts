import { z } from 'zod';
import { AttemptFailure } from '../base/failure.ts';
import { within } from '../base/within.ts';
import type { Secrets } from '../base/secrets.ts';
import type { WorkInput } from '../base/work.ts';
import type { ModelResponse } from '../model/response.ts';
import { ModelError } from '../model/error.ts';
import type { Shell } from '../shell/shell.ts';
import type { Attachments } from './attachments.ts';
import type { Checkpoints } from './checkpoints.ts';
import { ContextPolicy } from './context-policy.ts';
import { Ending, type EndingOptions } from './ending.ts';
import { readNestedInstructions } from './instructions.ts';
import type { AttemptLimits } from './limits.ts';
import type { ModelTurns } from './model-turns.ts';
import { repositoryDirs } from './repository-dirs.ts';
import { REPETITION_NOTE, StuckDetector } from './stuck.ts';
import type { ToolCalls } from './tool-calls.ts';
import type { OpenCall, RecordEvent, Transcript } from './transcript.ts';

/** Turns in a row that neither called a tool nor ended the work. */
const IDLE_TURNS_MAX = 3;
/** How long a request that keeps the cache is waited for: it has no output. */
const KEEP_CACHE_WAIT_MS = 10_000;
const QUESTION_MS_MAX = 30 * 60_000;
/** With these the model ends its turn. */
const ENDED: ReadonlySet<string> = new Set(['end_turn', 'stop_sequence']);

/** The tools for files name what they read in `path`. */
const PathInput = z.looseObject({ path: z.string() });

type Options = Pick<EndingOptions, 'verify' | 'deliver'> & {
  input: WorkInput;
  transcript: Transcript;
  limits: AttemptLimits;
  turns: ModelTurns;
  attachments: Attachments;
  /** The shell of the agent's commands. */
  shell: Pick<Shell, 'cwd' | 'running' | 'takeNotices' | 'takeUnfinished'>;
  tool_calls: ToolCalls;
  secrets: Secrets;
  /** What the model is told before its first turn of this attempt. */
  first_notes: readonly string[];
  record: RecordEvent;
  checkpoints: Checkpoints;
  /** After how long without a request the API is asked to keep the conversation in its cache. */
  keep_cache_ms: number;
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
  #stuck = new StuckDetector();
  readonly #context: ContextPolicy;
  readonly #ending: Ending;
  readonly #first_notes: string[];
  #idle_turns = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#first_notes = [...options.first_notes];
    this.#context = new ContextPolicy({ ...options, say: (text) => this.#say('harness', text) });
    const { verify } = options;
    this.#ending = new Ending({
      ...options,
      verify: verify === null ? null : () => this.#whileCached(verify),
      review: options.input.review,
      takeUnfinished: () => options.shell.takeUnfinished(),
      say: (source, text) => this.#say(source, text),
      hear: () => this.#addMessages(true),
      canAct: () => this.#idle_turns < IDLE_TURNS_MAX && options.limits.turns_left > 0,
    });
  }

  /** Resolves once the work is done. Rejects with `AttemptFailure`, or with the signal's reason. */
  async run(): Promise<void> {
    const { transcript, signal } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      await this.#addMessages(ENDED.has(transcript.unanswered_stop_reason ?? ''));
      const stop_reason = transcript.unanswered_stop_reason;
      if (stop_reason === null) await this.#askModel();
      else if (await this.#answer(stop_reason)) return;
    }
  }

  /** Adds the messages that people sent and that are to be heard now. Returns whether there were any. */
  async #addMessages(turn_is_over: boolean): Promise<boolean> {
    const { input, transcript, turns, attachments } = this.#options;
    // Messages follow the results of a turn, so they wait while calls are open.
    if (transcript.openCalls().length > 0) return false;
    const taken = await input.messages.take(turn_is_over);
    const fresh = taken.filter(({ id }) => !transcript.message_ids.has(id));
    for (const message of fresh) {
      await this.#say('person', message.text, message.id);
      turns.use(message);
      await attachments.show(message.attachments ?? []);
    }
    if (fresh.length === 0) return false;
    // What the agent repeats now may be what they ask for.
    this.#stuck = new StuckDetector();
    this.#idle_turns = 0;
    return true;
  }

  async #say(source: 'person' | 'verify' | 'harness', text: string, message_id?: string): Promise<void> {
    const { transcript, record } = this.#options;
    const id = message_id === undefined ? {} : { message_id };
    await record({ type: 'input.added', body: { turn: transcript.turn, source, text, ...id } });
  }

  async #askModel(): Promise<void> {
    const { limits, turns, shell, record } = this.#options;
    for (const note of this.#first_notes.splice(0)) await this.#say('harness', note);
    for (const { note, ...warning } of limits.beginTurn()) {
      await record({ type: 'limit.near', body: warning });
      await this.#say('harness', note);
    }
    for (const notice of shell.takeNotices()) await this.#say('harness', `[Errand] ${notice}`);
    await this.#context.makeRoom();
    // A summary takes a while.
    await this.#addMessages(false);
    try {
      const response = await turns.ask(this.#context.shortening);
      await this.#context.handleAnswer(response);
      await this.#checkResponse(response);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      await this.#context.handleRefusal(error);
    }
  }

  /** Handles a response that the transcript leaves out: it ends the work, or the request is made again. */
  async #checkResponse({ stop_reason, refusal }: ModelResponse): Promise<void> {
    const { transcript } = this.#options;
    this.#idle_turns++;
    if (stop_reason === 'refusal')
      throw new AttemptFailure('refused', `The model refused to go on${refusal === null ? '' : `: ${refusal}`}`);
    if (stop_reason === 'model_context_window_exceeded' || transcript.unanswered_stop_reason !== null) return;
    this.#failIfIdle();
    await this.#say('harness', '[Errand] Your answer was empty. Go on, or end with your summary.');
  }

  /** Answers the newest turn. Returns true once the work is done. */
  async #answer(stop_reason: string): Promise<boolean> {
    if (ENDED.has(stop_reason)) {
      await this.#refuseOpenCalls('Not executed: the turn had ended.');
      await this.#options.checkpoints.settle();
      return this.#ending.reach();
    }
    switch (stop_reason) {
      case 'tool_use':
        await this.#callTools();
        break;
      case 'max_tokens':
        await this.#continueTurn(
          'Not executed: your answer was cut off at its maximum length, perhaps within this call. Repeat it in smaller parts.',
          '[Errand] Your answer was cut off at its maximum length. Continue from there, in smaller steps.',
        );
        break;
      case 'pause_turn':
      case 'compaction':
        await this.#continueTurn('Not executed: the turn was paused. Make the call again.', '[Errand] Go on.');
        break;
      default:
        await this.#continueTurn(
          `Not executed: the answer stopped for a reason that is not known here (${stop_reason}). Make the call again.`,
          '[Errand] Go on, or end with your summary.',
        );
    }
    return false;
  }

  /** Answers a turn that was broken off: refuses its calls if it has any, else says something. */
  async #continueTurn(refusal: string, text: string): Promise<void> {
    const has_calls = this.#options.transcript.openCalls().length > 0;
    await this.#refuseOpenCalls(refusal);
    this.#failIfIdle();
    if (!has_calls) await this.#say('harness', text);
  }

  async #callTools(): Promise<void> {
    const { input, transcript, tool_calls, limits, shell } = this.#options;
    const calls = transcript.openCalls();
    if (calls.length === 0)
      return this.#continueTurn('', '[Errand] You stopped to call a tool, but there is no call. Make it.');
    const { park_after_ms = QUESTION_MS_MAX } = input.assignment;
    const questionMs = () => Math.max(1, Math.round(Math.min(park_after_ms, limits.ms_left / 2)));
    const begun = performance.now();
    const results = await this.#whileCached(() => tool_calls.run(transcript.turn, calls, questionMs));
    const took_ms = performance.now() - begun;
    this.#idle_turns = 0;
    await this.#addInstructions(calls);
    const state = (await input.messages.areWaiting())
      ? 'ok'
      : this.#stuck.check({
          calls: calls.map(({ name, input }) => ({ name, input })),
          results: results.map(({ content }) => content),
          failed: results.every(({ is_error }) => is_error),
          has_bad_exit: results.some(({ exit_code = 0 }) => exit_code !== 0),
          may_wait: shell.running.length > 0,
          took_ms,
        });
    if (state === 'stuck')
      throw new AttemptFailure('stuck', 'The agent repeated the same actions, with the same outcome or failure.');
    if (state === 'warn') await this.#say('harness', REPETITION_NOTE);
    this.#options.checkpoints.beginIfDue();
  }

  /** Runs what may take longer than the API keeps the conversation in its cache: one request keeps it for an hour. */
  async #whileCached<T>(run: () => Promise<T>): Promise<T> {
    const { turns, keep_cache_ms } = this.#options;
    let kept = Promise.resolve();
    const timer = setTimeout(() => {
      // It only saves money: without it the next request costs more.
      kept = turns.keepCached(this.#context.shortening).catch(() => undefined);
    }, keep_cache_ms);
    try {
      return await run();
    } finally {
      clearTimeout(timer);
      // A part of the budget is reserved for it, which the next request may need.
      await within(KEEP_CACHE_WAIT_MS, kept);
    }
  }

  /** Adds the instructions of the folders that the model has looked into for the first time. */
  async #addInstructions(calls: OpenCall[]): Promise<void> {
    const { input, transcript, secrets } = this.#options;
    const paths = calls.flatMap((call) => PathInput.safeParse(call.input).data?.path ?? []);
    const said = transcript.texts().join('\n');
    const isKnown = (label: string) => said.includes(label);
    const text = await readNestedInstructions(repositoryDirs(input), paths, { isKnown, secrets });
    if (text !== null) await this.#say('harness', `[Errand] The folder comes with these instructions:\n\n${text}`);
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
}
