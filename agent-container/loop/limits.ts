import type { WorkerEvent } from '../../protocol/events.ts';
import type { Assignment } from '../../protocol/worker-schemas.ts';
import { AttemptFailure } from '../base/failure.ts';
import { TIMER_MS_MAX } from '../base/sleep.ts';

type Given = Pick<Assignment, 'max_turns' | 'budget_usd' | 'spent_usd' | 'time_limit_ms' | 'verify_command'>;
type Limit = 'turns' | 'budget' | 'time';
/** A limit that is near. `note` is for the model, the rest for the event `limit.near`. */
type LimitWarning = Extract<WorkerEvent, { type: 'limit.near' }>['body'] & { note: string };

/** The shares of a limit at which the model and the user are warned. */
const WARN_AT = [0.8, 0.95];

/** The rest of the budget must pay for this many prompts like the last one. */
const PROMPTS_LEFT_MIN = 3;

/** The time is near once the rest is less than this many runs of the check take, but never in the first half. */
const CHECKS_LEFT_MIN = 2;
/** A shorter check is not named. */
const CHECK_NAMED_MS = 30_000;

const minutesOf = (ms: number) => Math.max(1, Math.round(ms / 60_000));

/** All limits of an attempt: its turns, the task's budget, and the time. */
export class AttemptLimits {
  readonly #assignment: Given;
  readonly #started = performance.now();
  /** How many warnings were given for each limit. */
  readonly #warnings: Record<Limit, number> = { turns: 0, budget: 0, time: 0 };
  /** Aborts when the time is up. */
  readonly deadline: AbortSignal;
  #turns = 0;
  #spent_usd: number;
  /** How much of the rest the coordinator had to reserve for the newest prompt. */
  #reserved_usd = 0;
  /** How long the check took at its longest, since one that fails may end early; 0: it has not run. */
  #check_ms = 0;

  constructor(assignment: Given) {
    this.#assignment = assignment;
    this.#spent_usd = assignment.spent_usd;
    this.deadline = AbortSignal.timeout(Math.min(assignment.time_limit_ms, TIMER_MS_MAX));
  }

  get turns_left(): number {
    return this.#assignment.max_turns - this.#turns;
  }

  get ms_left(): number {
    return this.#assignment.time_limit_ms - (performance.now() - this.#started);
  }

  /** What the work may still use up, for the model. */
  get rest(): string {
    const { budget_usd, verify_command } = this.#assignment;
    const usd = Math.max(0, budget_usd - this.#spent_usd).toFixed(2);
    const check = verify_command === null ? '' : '; the check at the end counts too';
    return `${minutesOf(this.ms_left)} min, ${this.turns_left} turns and $${usd}${check}`;
  }

  /** Runs the check, and notes how long it takes. */
  async timingCheck<T>(run: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await run();
    } finally {
      this.#check_ms = Math.max(this.#check_ms, performance.now() - started);
    }
  }

  /**
   * Sets what the budget has left, and how much of that was reserved for the prompt, as the coordinator said with the
   * last response.
   */
  setBudgetLeft(left_usd: number, reserved_usd = 0): void {
    this.#spent_usd = this.#assignment.budget_usd - left_usd;
    this.#reserved_usd = reserved_usd;
  }

  /**
   * Whether the conversation has become too long for the rest of the budget, which must pay for the whole prompt anew
   * in case the API's cache is lost. Shortening it costs about two prompts.
   */
  get is_prompt_too_expensive(): boolean {
    const left_usd = this.#assignment.budget_usd - this.#spent_usd;
    return this.#reserved_usd * PROMPTS_LEFT_MIN > left_usd;
  }

  /** Counts a turn that begins, and returns new warnings. Throws `AttemptFailure` if a limit is reached. */
  beginTurn(): LimitWarning[] {
    const { max_turns, budget_usd, time_limit_ms } = this.#assignment;
    if (this.turns_left <= 0) throw new AttemptFailure('turn_limit', `The limit of ${max_turns} turns is reached.`);
    if (this.#spent_usd >= budget_usd)
      throw new AttemptFailure('budget_exhausted', `The budget of $${budget_usd.toFixed(2)} is spent.`);
    // The timer may be a moment earlier than the clock.
    if (this.deadline.aborted || this.ms_left <= 0) throw this.timeLimitFailure();
    this.#turns++;
    const check =
      this.#check_ms < CHECK_NAMED_MS ? '' : `, and the check may take ${minutesOf(this.#check_ms)} of them`;
    const time = `About ${minutesOf(this.ms_left)} min are left${check}.`;
    const left_usd = budget_usd - this.#spent_usd;
    return [
      this.#warning('turns', this.#turns, max_turns, `This is turn ${this.#turns} of at most ${max_turns}.`),
      // Without the reserved part the budget could end before any warning: it must be free for the next prompt.
      this.#warning(
        'budget',
        Math.min(budget_usd, this.#spent_usd + this.#reserved_usd),
        budget_usd,
        `$${left_usd.toFixed(2)} of the budget are left.`,
      ),
      this.#warning('time', time_limit_ms - this.ms_left, time_limit_ms, time, this.#isCheckNear()),
    ].filter((warning) => warning !== undefined);
  }

  timeLimitFailure(): AttemptFailure {
    const minutes = Math.round(this.#assignment.time_limit_ms / 60_000);
    return new AttemptFailure('time_limit', `The time limit of ${minutes} min is reached.`);
  }

  /** Whether the check would use up so much of the rest that what it finds could hardly be fixed. */
  #isCheckNear(): boolean {
    const { time_limit_ms } = this.#assignment;
    return this.ms_left < Math.min(CHECKS_LEFT_MIN * this.#check_ms, time_limit_ms / 2);
  }

  /** `is_near`: it is, whatever the share that is used. */
  #warning(limit: Limit, used: number, of: number, text: string, is_near = false): LimitWarning | undefined {
    const reached = Math.max(WARN_AT.filter((share) => used >= share * of).length, is_near ? 1 : 0);
    if (reached <= this.#warnings[limit]) return undefined;
    this.#warnings[limit] = reached;
    const advice = 'Finish the work now: leave the repository in a working state, and end with your summary.';
    return { limit, used, of, note: `[Errand] ${text} ${advice}` };
  }
}
