import { z } from 'zod';
import { CoordinatorEvent } from '../../protocol/coordinator-events.ts';
import { NumberedEvent, type LogEvent, type WorkerEvent } from '../../protocol/events.ts';

/** An event of a type that this client knows. */
export type KnownEvent = CoordinatorEvent | WorkerEvent;

/** Types an event; undefined if its type is unknown or its body is not valid. */
export type TypeEvent = (event: LogEvent) => KnownEvent | undefined;

/**
 * The schema of each type's body. Unknown fields of a newer server are ignored, as the protocol requires of readers.
 */
const BODIES = new Map<string, z.ZodType>(
  [...NumberedEvent.options, ...CoordinatorEvent.options].map(({ shape }) => [
    shape.type.value,
    z.object(shape.body.shape),
  ]),
);

/** Types an event by the schema of its type. */
export const knownEvent: TypeEvent = ({ type, body }) => {
  const parsed = BODIES.get(type)?.safeParse(body);
  // The table pairs each type with its own schema; the compiler cannot follow that.
  return parsed?.success === true ? ({ type, body: parsed.data } as KnownEvent) : undefined;
};
