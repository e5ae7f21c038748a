import { AttemptFailure } from '../base/failure.ts';
import type { WorkInput } from '../base/work.ts';
import type { Verified } from './project-commands.ts';
import type { RecordEvent } from './transcript.ts';

/** How often the verify command may fail until its output no longer goes back to the model. */
const VERIFY_FAILURES_MAX = 5;
/** The same for a verify command that cannot be run: seldom more than one try of the model helps. */
const VERIFY_NOT_RUN_MAX = 2;
/** How often a push may be refused, or have something in its way, until that no longer goes back to the model. */
const DELIVERIES_MAX = 4;

const NOT_VERIFIED = 'The verify command did not run: nothing was changed.';
const END_AGAIN =
  'Then end again with your whole closing text: the subject of the commit, and the summary for the person, which names ' +
  'what could not be done.';
const DELIVER_AGAIN = `Act on it if it is not as it should be. ${END_AGAIN}`;
const FIX_AND_END = `Fix the cause. ${END_AGAIN}`;
const NOT_RUN =
  'The verify command could not be run: it, or a program that it needs, was not found or may not be executed. The agent ' +
  'tries once to mend that. If it cannot, the verify or the setup command of the project has to be changed.';

export type EndingOptions = {
  review: WorkInput['review'];
  /** The ids of the commands that still run in the background. Each is told once. */
  takeUnfinished: () => string[];
  /** Runs the verify command; null: there is none. */
  verify: (() => Promise<Verified>) | null;
  /**
   * Pushes the finished work. Null: done. Otherwise a text for the model that says what is in the way. `is_partial_ok`:
   * what the commit leaves out is not.
   */
  deliver: (is_partial_ok: boolean) => Promise<string | null>;
  /** Adds a text to the conversation. */
  say: (source: 'verify' | 'harness', text: string) => Promise<void>;
  /** Adds the messages that people sent. Returns whether there were any. */
  hear: () => Promise<boolean>;
  /** Whether the model has turns left to act in. */
  canAct: () => boolean;
  record: RecordEvent;
};

/** The end of the work, each time that the model ends its turn: it is reviewed, verified and pushed. */
export class Ending {
  readonly #options: EndingOptions;
  #verify_failures = 0;
  /** In a row. */
  #verify_not_run = 0;
  #deliveries = 0;

  constructor(options: EndingOptions) {
    this.#options = options;
  }

  /**
   * Resolves with whether the work is done. If not, the conversation has what the model is to act on: what is in the
   * way, or a message. Rejects with `AttemptFailure` where it cannot act any more.
   */
  async reach(): Promise<boolean> {
    const { review, verify, hear, canAct, takeUnfinished, record } = this.#options;
    const unfinished = canAct() ? takeUnfinished() : [];
    if (unfinished.length > 0) return this.#goOn(describeUnfinished(unfinished));
    if (verify === null) return this.#push({ is_partial_ok: false });
    // The model acts on what the push would meet before the check runs, which may take long.
    const { is_unchanged, has_problem, text } = await review();
    if (text !== null && !this.#isLastTry(++this.#deliveries, DELIVERIES_MAX)) return this.#goOn(text);
    if (text !== null && has_problem) throw new AttemptFailure('push_rejected', text);
    if (!is_unchanged) return (await this.#hasPassed(verify)) && this.#push({ is_partial_ok: true });
    if (await hear()) return false;
    await record({ type: 'log', body: { level: 'info', text: NOT_VERIFIED } });
    return true;
  }

  /** Runs the verify command. Where it fails, the model is told. */
  async #hasPassed(verify: () => Promise<Verified>): Promise<boolean> {
    const { say, hear, record } = this.#options;
    const verified = await verify();
    switch (verified.kind) {
      case 'passed':
        this.#verify_not_run = 0;
        return true;
      case 'interrupted':
        await hear();
        return false;
      case 'failed':
        this.#verify_failures++;
        this.#verify_not_run = verified.has_run ? 0 : this.#verify_not_run + 1;
        if (this.#isLastTry(this.#verify_failures, VERIFY_FAILURES_MAX) || this.#verify_not_run >= VERIFY_NOT_RUN_MAX)
          throw new AttemptFailure('verify_failed', verified.text);
        if (!verified.has_run) await record({ type: 'log', body: { level: 'warn', text: NOT_RUN } });
        await say('verify', `[Errand] ${verified.text}\n\n${FIX_AND_END}`);
        return false;
    }
  }

  /** Pushes the work, unless there is a new message. */
  async #push({ is_partial_ok }: { is_partial_ok: boolean }): Promise<boolean> {
    const { hear, deliver } = this.#options;
    if (await hear()) return false;
    const is_last = this.#isLastTry(++this.#deliveries, DELIVERIES_MAX);
    const text = await deliver(is_partial_ok || is_last);
    if (text === null) return !(await hear());
    if (is_last) throw new AttemptFailure('push_rejected', text);
    return this.#goOn(text);
  }

  async #goOn(text: string): Promise<false> {
    await this.#options.say('harness', `[Errand] ${text}\n\n${DELIVER_AGAIN}`);
    return false;
  }

  /** Whether the model cannot act on a failure any more, or has tried to often enough. */
  #isLastTry(tries: number, tries_max: number): boolean {
    return tries >= tries_max || !this.#options.canAct();
  }
}

const describeUnfinished = (ids: string[]): string =>
  `What you have in the background still runs: ${ids.join(', ')}. It ends with your work, and then leaves half done what ` +
  'it writes. If the work needs it, wait for it with a command that sleeps: you are told when it ends. A server may end.';
