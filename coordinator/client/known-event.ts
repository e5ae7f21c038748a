import { z } from 'zod';
import { CoordinatorEvent, NumberedEvent, type LogEvent, type WorkerEvent } from '../../protocol/events.ts';

/** An event of a type that this command line knows. */
export type KnownEvent = CoordinatorEvent | WorkerEvent;

/** The form of each type's body. Fields that a newer server adds are passed over, as the protocol asks of a reader. */
const BODIES = new Map<string, z.ZodType>(
  [...NumberedEvent.options, ...CoordinatorEvent.options].map(({ shape }) => [
    shape.type.value,
    z.object(shape.body.shape),
  ]),
);

/** The event with its type; undefined where the type is not known here, or its body is not as it should be. */
export function knownEvent({ type, body }: LogEvent): KnownEvent | undefined {
  const parsed = BODIES.get(type)?.safeParse(body);
  // The table has the form that belongs to each type; that this is the union over all types cannot be told to the compiler.
  return parsed?.success === true ? ({ type, body: parsed.data } as KnownEvent) : undefined;
}
