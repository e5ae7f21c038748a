import { createHash } from 'node:crypto';

/** What one turn did and what came of it. */
export type Doing = { calls: { name: string; input: unknown }[]; results: unknown[]; failed: boolean };

type Step = { action: string; outcome: string; failed: boolean };

const SAME = 4;
const SAME_FAILING = 3;
const BACK_AND_FORTH = 6;

/** Finds an agent that goes round in circles: first it is told so, and stopped if it goes on. */
export class StuckDetector {
  #steps: Step[] = [];
  #nudged = false;

  /** Takes in a turn. `nudge`: it should be told; `stop`: it was told, and goes on. */
  after(doing: Doing): 'on' | 'nudge' | 'stop' {
    const step = { action: digest(doing.calls), outcome: digest(doing.results), failed: doing.failed };
    this.#steps = [...this.#steps, step].slice(-BACK_AND_FORTH);
    if (!this.#isCircle()) {
      this.#nudged = false;
      return 'on';
    }
    if (this.#nudged) return 'stop';
    this.#nudged = true;
    return 'nudge';
  }

  #isCircle(): boolean {
    const steps = this.#steps;
    const last = (n: number) => (steps.length >= n ? steps.slice(-n) : undefined);
    const [newest] = steps.slice(-1);
    if (!newest) return false;
    const isSame = (step: Step) => step.action === newest.action && step.outcome === newest.outcome;
    if (last(SAME)?.every(isSame)) return true;
    if (last(SAME_FAILING)?.every((step) => step.failed && step.action === newest.action)) return true;
    const pairs = last(BACK_AND_FORTH);
    return pairs?.every((step, i) => i < 2 || sameStep(step, pairs[i - 2])) ?? false;
  }
}

function sameStep(a: Step, b: Step | undefined): boolean {
  return a.action === b?.action && a.outcome === b.outcome;
}

/** Of the value without the times in it, which differ each time. */
function digest(value: unknown): string {
  const text = (JSON.stringify(value) ?? '').replace(/\d+(\.\d+)?\s?(ms|s|min)\b/g, '');
  return createHash('sha256').update(text).digest('base64');
}
