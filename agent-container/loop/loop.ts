import type { WorkerEvent } from '../../protocol/events.ts';
import type { ModelAnswer, ToolSpec } from '../model/client.ts';
import type { WorkInput } from '../base/work.ts';
import { CONTEXT_EXHAUSTED, type Asker } from './ask.ts';
import { callTools, refuseCalls, type Caller } from './call-tools.ts';
import type { Guards } from './guards.ts';
import { Stopped } from './stopped.ts';
import { StuckDetector } from './stuck.ts';
import type { Transcript } from './transcript.ts';

/** Turns in a row that called no tool and did not end the work either. */
const IDLE_MAX = 3;
/** How often a verify command may fail before its output no longer goes back to the model. */
const VERIFY_FAILURES_MAX = 5;
const QUESTION_MS_MAX = 30 * 60_000;

/** `question_ms` is set anew for each turn, from the time that is left. */
export type LoopCaller = Omit<Caller, 'context'> & { context: Omit<Caller['context'], 'question_ms'> };

export type LoopParts = {
  input: WorkInput;
  transcript: Transcript;
  guards: Guards;
  asker: Asker;
  /** Runs the verify command: null where it passed or there is none, else words for the model that say how it failed. */
  verify: () => Promise<string | null>;
  /** Aborts at a cancel and when the time is up. */
  signal: AbortSignal;
  caller: LoopCaller;
  /** How often the work so far is put into safety. */
  checkpoint_ms: number;
  /** Reports an event, and takes it into the transcript. */
  record: (event: WorkerEvent) => Promise<void>;
};

/**
 * Asks the model, runs the tools that it asks for, answers with their results, until it ends and its work is verified. What it does next depends on the
 * transcript alone, so a resumed attempt goes on in the middle. Rejects with `Stopped`, or with the signal's reason.
 */
export class Loop {
  readonly #parts: LoopParts;
  readonly #stuck = new StuckDetector();
  #idle = 0;
  #checkpoint_at: number;
  #verify_failures = 0;
  #cleared = '';

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#checkpoint_at = performance.now() + parts.checkpoint_ms;
  }

  async run(): Promise<void> {
    const { transcript, signal } = this.#parts;
    for (;;) {
      signal.throwIfAborted();
      await this.#hear();
      const { stopped } = transcript;
      if (stopped === null) await this.#turn();
      else if (await this.#after(stopped)) return;
    }
  }

  /** Takes in what people said; gives whether they said anything. */
  async #hear(): Promise<boolean> {
    const { input, transcript } = this.#parts;
    // Words come after the results of a turn: while calls are open they wait.
    if (transcript.openCalls().length > 0) return false;
    const fresh = input.inbox.take().filter(({ id }) => !transcript.heard.has(id));
    for (const { id, text } of fresh) await this.#say('person', text, id);
    if (fresh.length > 0) this.#idle = 0;
    return fresh.length > 0;
  }

  async #say(source: 'person' | 'verify' | 'harness', text: string, message_id?: string): Promise<void> {
    const { transcript, record } = this.#parts;
    const named = message_id === undefined ? {} : { message_id };
    await record({ type: 'input.added', body: { turn: transcript.turn, source, text, ...named } });
  }

  async #turn(): Promise<void> {
    const { input, transcript, guards, asker, caller, record, signal } = this.#parts;
    for (const { note, ...near } of guards.beginTurn()) {
      await record({ type: 'limit.near', body: near });
      await this.#say('harness', note);
    }
    const turn = transcript.turn + 1;
    const { model, attempt } = input.assignment;
    const ref = `turn-${attempt}-${turn}`;
    await record({ type: 'turn.started', body: { turn, ref, model } });
    const started = performance.now();
    const tools = offered(caller.tools, transcript.toolNames);
    const request = { model, system: transcript.system ?? '', tools, messages: transcript.messages() };
    const answer = await asker.ask(turn, ref, request, signal);
    if (answer.budget_left_usd !== null) guards.budgetLeft(answer.budget_left_usd);
    const { content, usage, request_id } = answer;
    const duration_ms = Math.round(performance.now() - started);
    const stop_reason = answer.stop_reason ?? 'none';
    const body = { turn, ref, model: answer.model, content, stop_reason, usage, request_id, duration_ms };
    await record({ type: 'turn.finished', body });
    await this.#noteReductions(turn, answer);
    await this.#settle(answer);
  }

  /** What of an answer cannot be told from the transcript: it ends the work, or the same request is to be made again. */
  async #settle({ stop_reason, refusal }: ModelAnswer): Promise<void> {
    const { asker, transcript } = this.#parts;
    this.#idle++;
    if (stop_reason === 'refusal') {
      const why = refusal === null ? '' : `: ${refusal}`;
      throw new Stopped('refused', `The model refused to go on${why}`);
    }
    if (stop_reason === 'model_context_window_exceeded') {
      if (asker.tight) throw new Stopped('context_exhausted', CONTEXT_EXHAUSTED);
      asker.tight = true;
      return;
    }
    asker.tight = false;
    if (transcript.stopped !== null) return;
    this.#stopIfIdle();
    await this.#say('harness', '[Errand] Your answer was empty. Go on, or end with your summary.');
  }

  /** Acts on a turn that has ended and was not answered. True: the work is done. */
  async #after(stop_reason: string): Promise<boolean> {
    switch (stop_reason) {
      case 'tool_use':
        await this.#callTools();
        return false;
      case 'end_turn':
      case 'stop_sequence':
        await this.#refuseOpenCalls('Not executed: the turn had ended.');
        return this.#finish();
      case 'max_tokens':
        return this.#goOn(
          'Not executed: your answer was cut off at its longest, maybe within this call. Make it again in smaller pieces.',
          '[Errand] Your answer was cut off at its longest. Go on from there, in smaller steps.',
        );
      case 'pause_turn':
      case 'compaction':
        return this.#goOn('Not executed: the turn was paused. Make the call again.', '[Errand] Go on.');
      default:
        throw new Stopped(
          'agent_error',
          `The model stopped for a reason that this agent does not know: ${stop_reason}`,
        );
    }
  }

  /** Answers a turn that was broken off: each of its calls where it has any, else in words. */
  async #goOn(to_call: string, words: string): Promise<false> {
    const had_calls = this.#parts.transcript.openCalls().length > 0;
    await this.#refuseOpenCalls(to_call);
    this.#stopIfIdle();
    if (!had_calls) await this.#say('harness', words);
    return false;
  }

  async #callTools(): Promise<void> {
    const { transcript } = this.#parts;
    const calls = transcript.openCalls();
    if (calls.length === 0) throw new Stopped('agent_error', 'The model asked for tools, and named none.');
    const results = await callTools(this.#caller(), transcript.turn, calls);
    this.#idle = 0;
    const failed = results.every(({ is_error }) => is_error);
    const doing = calls.map(({ name, input }) => ({ name, input }));
    const verdict = this.#stuck.after({ calls: doing, results: results.map(({ content }) => content), failed });
    if (verdict === 'stop') throw new Stopped('stuck', 'The agent did the same over and over, with the same outcome.');
    if (verdict === 'nudge')
      await this.#say(
        'harness',
        '[Errand] You did the same several times, with the same outcome. Stop and think: try another way, or end and say what is in the way.',
      );
    await this.#checkpoint();
  }

  /** Ends, unless somebody has said something, or the verify command fails. */
  async #finish(): Promise<boolean> {
    const { verify, guards } = this.#parts;
    const failure = await verify();
    if (failure === null) return !(await this.#hear());
    this.#verify_failures++;
    if (this.#idle >= IDLE_MAX || this.#verify_failures >= VERIFY_FAILURES_MAX || guards.turnsLeft <= 0)
      throw new Stopped('verify_failed', failure);
    await this.#say('verify', `[Errand] ${failure}\nMend the cause, and then end again.`);
    return false;
  }

  async #refuseOpenCalls(words: string): Promise<void> {
    const { transcript } = this.#parts;
    await refuseCalls(this.#caller(), transcript.turn, transcript.openCalls(), words);
  }

  #stopIfIdle(): void {
    if (this.#idle >= IDLE_MAX)
      throw new Stopped('stuck', `The model's answers came to nothing ${IDLE_MAX} times in a row.`);
  }

  async #noteReductions(turn: number, { reductions, stop_reason }: ModelAnswer): Promise<void> {
    const { transcript, record } = this.#parts;
    for (const { means, detail } of reductions) {
      // The API leaves the same results out of each request; only what is new is worth an event.
      if (means === 'clear_tool_uses' && detail === this.#cleared) continue;
      if (means === 'clear_tool_uses') this.#cleared = detail;
      await record({ type: 'context.reduced', body: { turn, means, detail: detail.slice(0, 2000) } });
      if (means === 'compact' && stop_reason === 'tool_use' && transcript.plan.length > 0)
        await this.#say('harness', `[Errand] Your plan, as you last set it:\n${planInWords(transcript.plan)}`);
    }
  }

  #caller(): Caller {
    const { caller, guards } = this.#parts;
    const question_ms = Math.max(1, Math.round(Math.min(QUESTION_MS_MAX, guards.msLeft / 2)));
    return { ...caller, context: { ...caller.context, question_ms } };
  }

  /** Puts the work so far into safety, now and then. */
  async #checkpoint(): Promise<void> {
    const { input, checkpoint_ms } = this.#parts;
    if (performance.now() < this.#checkpoint_at) return;
    await input.checkpoint();
    this.#checkpoint_at = performance.now() + checkpoint_ms;
  }
}

/**
 * The tools of each request. The API refuses a conversation that calls a tool which is not among them, so one that the model made up, or that an earlier
 * release had, is named too.
 */
function offered(tools: Caller['tools'], called: Iterable<string>): ToolSpec[] {
  const specs = tools.map(({ name, description, input_schema }) => ({ name, description, input_schema }));
  const known = new Set(specs.map(({ name }) => name));
  const unknown = [...called].filter((name) => !known.has(name));
  const input_schema = { type: 'object' };
  return [...specs, ...unknown.map((name) => ({ name, description: 'Not there: do not call it.', input_schema }))];
}

function planInWords(plan: Transcript['plan']): string {
  return plan.map(({ text, status }) => `- ${text} (${status.replace('_', ' ')})`).join('\n');
}
