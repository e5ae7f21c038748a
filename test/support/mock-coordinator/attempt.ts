import type { Delta, NumberedEvent } from '../../../protocol/events.ts';
import type { WaitingFor } from '../../../protocol/task.ts';
import type { Heartbeat, ResultPost } from '../../../protocol/worker-schemas.ts';

/** A callback that was refused: the error's code and message. */
export type Refusal = { call: string; code: string; words: string };

export type Seen =
  | { kind: 'event'; event: NumberedEvent }
  | { kind: 'delta'; delta: Delta }
  | { kind: 'heartbeat'; heartbeat: Heartbeat }
  | { kind: 'result'; result: ResultPost }
  | ({ kind: 'refused' } & Refusal)
  /** A violation of the contract that was not refused. */
  | { kind: 'breach'; words: string };

/** A refusal as one line for a person. */
export const describeRefusal = ({ call, code, words }: Refusal) => `${call} was refused: ${code}: ${words}`;

/** What a worker reported in one attempt. */
export type Attempt = {
  events: NumberedEvent[];
  /** Calls of `events`, `heartbeat` and `result`. */
  calls: { name: string; at: number }[];
  deltas: { delta: Delta; after_seq: number }[];
  heartbeats: Heartbeat[];
  /** Each `waiting_for` that it said. */
  waits: (WaitingFor | null)[];
  result: ResultPost | undefined;
};

/** An attempt without any report. */
export const newAttempt = (): Attempt => ({
  events: [],
  calls: [],
  deltas: [],
  heartbeats: [],
  waits: [],
  result: undefined,
});
