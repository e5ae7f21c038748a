import type { NumberedEvent } from '../../../protocol/events.ts';
import type { Assignment } from '../../../protocol/worker-schemas.ts';

/** `asked_ms`: when it was asked first, by the worker's clock. */
type Question = { question: string; asked_ms: number; state: 'open' | 'answered' | 'closed' };

/** The questions of a task, as the coordinator keeps them: at most one is open, and any message answers it. */
export class Questions {
  readonly #by_ref = new Map<string, Question>();

  /** Whether a question waits for its answer. */
  get is_open(): boolean {
    return [...this.#by_ref.values()].some(({ state }) => state === 'open');
  }

  apply(event: NumberedEvent): void {
    if (event.type === 'question.asked') this.#ask(event.body.ref, event.body.question, Date.parse(event.at));
    if (event.type === 'question.closed') this.#end('closed', event.body.ref);
  }

  /** The person has sent a message. */
  answer(): void {
    this.#end('answered');
  }

  clear(): void {
    this.#by_ref.clear();
  }

  /** What was wrong with a result that is `parked`; null: nothing. `events`: of the attempt. */
  parkFault(
    { park_after_ms }: Pick<Assignment, 'park_after_ms'>,
    events: readonly NumberedEvent[],
    has_messages: boolean,
  ): string | null {
    if (park_after_ms === undefined) return 'The result was parked, but the assignment has no park_after_ms.';
    const open = [...this.#by_ref.values()].find(({ state }) => state === 'open');
    const after_ms = open && Date.now() - open.asked_ms;
    if (after_ms !== undefined && after_ms < park_after_ms)
      return `The result was parked ${after_ms} ms after the question, and park_after_ms is ${park_after_ms}.`;
    // The answer may have come while the worker was ending.
    if (this.is_open || has_messages) return null;
    const asked = events.findLast(({ type }) => type === 'question.asked');
    if (asked?.type !== 'question.asked') return 'The result was parked, but no question is open: none was asked.';
    const { ref } = asked.body;
    return `The result was parked, but no question is open: ${ref} was ${this.#by_ref.get(ref)?.state} already.`;
  }

  /** The same question again opens nothing, where it is open or was answered: a worker that resumes asks again. */
  #ask(ref: string, question: string, asked_ms: number): void {
    for (const [other, { state }] of this.#by_ref) if (other !== ref && state === 'open') this.#end('closed', other);
    const before = this.#by_ref.get(ref);
    if (before?.state === 'open' || (before?.state === 'answered' && before.question === question)) return;
    this.#by_ref.set(ref, { question, asked_ms, state: 'open' });
  }

  /** Ends the open question; with `ref`, only that one. */
  #end(state: 'answered' | 'closed', ref?: string): void {
    for (const [key, question] of this.#by_ref)
      if (question.state === 'open' && (ref === undefined || ref === key)) question.state = state;
  }
}
