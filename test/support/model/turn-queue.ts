import type { MessagesRequest } from './request.ts';
import { isFault, type Fault, type Turn } from './script.ts';

/** One entry of a script: a turn, a fault, or a function of the request that returns one. */
export type Entry = Turn | Fault | ((request: MessagesRequest) => Turn | Fault);

export type TurnSource = {
  /** One entry per valid request, in order. After the last one the server responds with 500. */
  script?: Entry[];
  /** Returns the turn of every request, instead of a script. `n` counts from 0. */
  handler?: (request: MessagesRequest, n: number) => Turn | Fault;
};

/** The turns of a script or handler, in order, and the faults that are injected before them. */
export class TurnQueue {
  readonly #source: TurnSource;
  readonly #faults: Fault[] = [];
  #next = 0;

  constructor(source: TurnSource) {
    this.#source = source;
  }

  /** Injects faults into the next requests. The script does not advance. */
  fail(...faults: Fault[]): void {
    this.#faults.push(...faults);
  }

  /** The turn or fault for this request. Throws if the script has no more turns. */
  next(request: MessagesRequest): Turn | Fault {
    const fault = this.#faults.shift();
    // A fault inside the stream needs a turn to stream; the next request gets the same turn again.
    if (fault && (fault.fault === 'status' || fault.fault === 'silence')) return fault;
    const n = fault ? this.#next : this.#next++;
    const { handler, script } = this.#source;
    const entry = handler ? handler(request, n) : script?.[n];
    if (entry === undefined) throw new Error(`The script has ${n} turns and got one more request.`);
    const turn = typeof entry === 'function' ? entry(request) : entry;
    return fault && !isFault(turn) ? { ...turn, fault } : turn;
  }
}
