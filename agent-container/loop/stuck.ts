import { createHash } from 'node:crypto';

/** The tool calls of one turn, and their results. */
type ToolTurn = {
  calls: { name: string; input: unknown }[];
  results: unknown[];
  /** Whether all of them failed. */
  failed: boolean;
  /** Whether a command among them had an exit code other than 0. */
  has_bad_exit: boolean;
  /** Whether a command runs in the background, for which the agent may be waiting. */
  may_wait: boolean;
  /** How long the calls took. */
  took_ms: number;
};

type Step = { action: string; outcome: string; failed: boolean; fails_fast: boolean };

/** How many turns make a loop: the same action with the same outcome, the same failing action, two alternating ones. */
const SAME_TURNS = 4;
const SAME_FAILING_TURNS = 3;
const ALTERNATING_TURNS = 6;
/** The same for commands that soon fail with another output each time, as with a time or a number in it. */
const SAME_ACTION_TURNS = 8;
const ALTERNATING_ACTION_TURNS = 12;
/** An agent that waits repeats itself. More often than this it should do so slowly. */
const WAITING_TURNS_MAX = 40;
const WAITING_TURN_MS_MIN = 5_000;

/** For the model, with the warning. */
export const REPETITION_NOTE =
  '[Errand] You did the same several times, with the same outcome or a failure each time; the same once more ends the ' +
  'errand as failed. Stop and think: try another way, or end and say what is in the way. To repeat a command, as for a ' +
  'flaky test, use a loop in one command.';

/** Detects an agent that repeats itself. It is warned first, and stopped if it goes on. */
export class StuckDetector {
  readonly #now: () => number;
  #steps: Step[] = [];
  #was_warned = false;
  /** The repeated turns while a command ran in the background, and when they began. */
  #waiting: { turns: number; since: number } | undefined;

  /** `now`: a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Takes in a turn. `warn`: the agent repeats itself; `stuck`: it was warned, and goes on. */
  check({ calls, results, failed, has_bad_exit, may_wait, took_ms }: ToolTurn): 'ok' | 'warn' | 'stuck' {
    // What it waited for has ended: it may look once more.
    if (!may_wait && this.#waiting) this.#steps = [];
    // A slow one may be a wait, as `sleep 60` before a look at something that is not yet done.
    const fails_fast = has_bad_exit && took_ms < WAITING_TURN_MS_MIN;
    const step = { action: digest(calls), outcome: digest(results), failed, fails_fast };
    this.#steps = [...this.#steps, step].slice(-ALTERNATING_ACTION_TURNS);
    const repeats = this.#repeatsItself();
    if (!repeats || !may_wait) this.#waiting = undefined;
    if (!repeats) this.#was_warned = false;
    if (!repeats || (may_wait && this.#isWaiting())) return 'ok';
    if (this.#was_warned) return 'stuck';
    this.#was_warned = true;
    return 'warn';
  }

  /** Whether the repetition looks like waiting. */
  #isWaiting(): boolean {
    const { turns, since } = this.#waiting ?? { turns: 0, since: this.#now() };
    this.#waiting = { turns: turns + 1, since };
    return turns < WAITING_TURNS_MAX || this.#now() - since >= turns * WAITING_TURN_MS_MIN;
  }

  #repeatsItself(): boolean {
    const steps = this.#steps;
    const last = (n: number) => (steps.length >= n ? steps.slice(-n) : undefined);
    const newest = steps.at(-1);
    if (!newest) return false;
    if (last(SAME_TURNS)?.every((step) => isSame(step, newest))) return true;
    if (last(SAME_ACTION_TURNS)?.every((step) => isLike(step, newest))) return true;
    if (last(SAME_FAILING_TURNS)?.every((step) => step.failed && step.action === newest.action)) return true;
    const alternates = (turns: Step[] | undefined, equals: typeof isSame) =>
      turns?.every((step, i) => i < 2 || equals(step, turns[i - 2])) ?? false;
    return alternates(last(ALTERNATING_TURNS), isSame) || alternates(last(ALTERNATING_ACTION_TURNS), isLike);
  }
}

function isSame(a: Step, b: Step | undefined): boolean {
  return a.action === b?.action && a.outcome === b.outcome;
}

/** Whether it is the same action, and each time a command failed soon, whatever it put out. */
function isLike(a: Step, b: Step | undefined): boolean {
  return isSame(a, b) || (a.action === b?.action && a.fails_fast && b.fails_fast);
}

/** Not from within a number: in a long one each digit would be tried. */
const DURATION = /(?<!\d)\d+(\.\d+)?\s?(ms|s|min)\b/g;

/** A hash of the value without durations, which differ each time. */
function digest(value: unknown): string {
  const text = (JSON.stringify(value) ?? '').replace(DURATION, '');
  return createHash('sha256').update(text).digest('base64');
}
