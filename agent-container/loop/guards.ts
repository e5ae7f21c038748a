import type { WorkerEvent } from '../../protocol/events.ts';
import type { Assignment } from '../../protocol/worker.ts';
import { Stopped } from './stopped.ts';

type Limit = 'turns' | 'budget' | 'time';
type Near = Extract<WorkerEvent, { type: 'limit.near' }>['body'] & { note: string };

/** The shares of a limit at which the model and the person are told. */
const NEAR = [0.8, 0.95];
const TIMER_MAX_MS = 2 ** 31 - 1;

/** All limits of an attempt, in one place: its turns, the task's money, and the time. */
export class Guards {
  readonly #assignment: Pick<Assignment, 'max_turns' | 'budget_usd' | 'time_limit_ms'>;
  readonly #started = performance.now();
  readonly #told: Record<Limit, number> = { turns: 0, budget: 0, time: 0 };
  /** Aborts when the time is up. */
  readonly deadline: AbortSignal;
  #turns = 0;
  #spent_usd: number;

  constructor(assignment: Pick<Assignment, 'max_turns' | 'budget_usd' | 'spent_usd' | 'time_limit_ms'>) {
    this.#assignment = assignment;
    this.#spent_usd = assignment.spent_usd;
    this.deadline = AbortSignal.timeout(Math.min(assignment.time_limit_ms, TIMER_MAX_MS));
  }

  get turnsLeft(): number {
    return this.#assignment.max_turns - this.#turns;
  }

  get msLeft(): number {
    return this.#assignment.time_limit_ms - (performance.now() - this.#started);
  }

  /** What the coordinator said that the budget had left. */
  budgetLeft(usd: number): void {
    this.#spent_usd = this.#assignment.budget_usd - usd;
  }

  /** Counts a turn that begins. Throws `Stopped` where a limit is reached; gives the limits that have come near since the turn before. */
  beginTurn(): Near[] {
    const { max_turns, budget_usd, time_limit_ms } = this.#assignment;
    if (this.turnsLeft <= 0) throw new Stopped('turn_limit', `The limit of ${max_turns} turns is reached.`);
    if (this.#spent_usd >= budget_usd)
      throw new Stopped('budget_exhausted', `The budget of $${budget_usd.toFixed(2)} is spent.`);
    if (this.msLeft <= 0) throw this.timeIsUp();
    this.#turns++;
    const minutes = Math.max(1, Math.round(this.msLeft / 60_000));
    const left_usd = budget_usd - this.#spent_usd;
    return [
      this.#near('turns', this.#turns, max_turns, `This is turn ${this.#turns} of at most ${max_turns}.`),
      this.#near('budget', this.#spent_usd, budget_usd, `$${left_usd.toFixed(2)} of the budget are left.`),
      this.#near('time', time_limit_ms - this.msLeft, time_limit_ms, `About ${minutes} min are left.`),
    ].filter((near) => near !== undefined);
  }

  timeIsUp(): Stopped {
    const minutes = Math.round(this.#assignment.time_limit_ms / 60_000);
    return new Stopped('time_limit', `The time limit of ${minutes} min is reached.`);
  }

  #near(limit: Limit, used: number, of: number, words: string): Near | undefined {
    const reached = NEAR.filter((share) => used >= share * of).length;
    if (reached <= this.#told[limit]) return undefined;
    this.#told[limit] = reached;
    const note = `[Errand] ${words} Bring the work to a good end now: leave the repository in a working state, and finish with your summary.`;
    return { limit, used, of, note };
  }
}
