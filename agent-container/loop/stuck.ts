import { createHash } from 'node:crypto';

/** The tool calls of one turn, and their results. `failed`: all of them failed. */
type ToolTurn = { calls: { name: string; input: unknown }[]; results: unknown[]; failed: boolean };

type Step = { action: string; outcome: string; failed: boolean };

/** How many turns make a loop: the same action with the same outcome, the same failing action, two alternating ones. */
const SAME_TURNS = 4;
const SAME_FAILING_TURNS = 3;
const ALTERNATING_TURNS = 6;

/** Detects an agent that repeats itself. It is warned first, and stopped if it goes on. */
export class StuckDetector {
  #steps: Step[] = [];
  #was_warned = false;

  /** Takes in a turn. `warn`: the agent repeats itself; `stuck`: it was warned, and goes on. */
  check({ calls, results, failed }: ToolTurn): 'ok' | 'warn' | 'stuck' {
    const step = { action: digest(calls), outcome: digest(results), failed };
    this.#steps = [...this.#steps, step].slice(-ALTERNATING_TURNS);
    if (!this.#repeatsItself()) {
      this.#was_warned = false;
      return 'ok';
    }
    if (this.#was_warned) return 'stuck';
    this.#was_warned = true;
    return 'warn';
  }

  #repeatsItself(): boolean {
    const steps = this.#steps;
    const last = (n: number) => (steps.length >= n ? steps.slice(-n) : undefined);
    const newest = steps.at(-1);
    if (!newest) return false;
    if (last(SAME_TURNS)?.every((step) => isSame(step, newest))) return true;
    if (last(SAME_FAILING_TURNS)?.every((step) => step.failed && step.action === newest.action)) return true;
    const alternating = last(ALTERNATING_TURNS);
    return alternating?.every((step, i) => i < 2 || isSame(step, alternating[i - 2])) ?? false;
  }
}

function isSame(a: Step, b: Step | undefined): boolean {
  return a.action === b?.action && a.outcome === b.outcome;
}

/** A hash of the value without durations, which differ each time. */
function digest(value: unknown): string {
  const text = (JSON.stringify(value) ?? '').replace(/\d+(\.\d+)?\s?(ms|s|min)\b/g, '');
  return createHash('sha256').update(text).digest('base64');
}
