import { z } from 'zod';
import * as accounts from './accounts.ts';
import * as api from './api.ts';
import * as attachments from './attachments.ts';
import * as audit from './audit.ts';
import { CoordinatorEvent } from './coordinator-events.ts';
import * as deliveries from './deliveries.ts';
import * as events from './events.ts';
import * as forges from './forges.ts';
import * as change from './change.ts';
import * as messages from './messages.ts';
import * as needs from './needs.ts';
import * as notifications from './notifications.ts';
import * as people from './people.ts';
import * as saved from './project-saved.ts';
import * as pulls from './pulls.ts';
import * as repositories from './repositories.ts';
import * as problem from './problem.ts';
import * as document from './problem-document.ts';
import * as schedules from './schedules.ts';
import * as server from './server.ts';
import * as info from './server-info.ts';
import * as socket from './socket.ts';
import * as task from './task.ts';
import * as tokens from './tokens.ts';
import * as worker from './worker-schemas.ts';
import * as wait from './worker-wait.ts';

/*
 * The names of the types in the generated documents. A schema that protocol/ exports has the name of its export, and
 * so is a type of its own; strings and numbers stay where they are used. A member of a union is named after the value
 * of its discriminator.
 */

// A coordinator's event crosses a wire only as a row of the log.
const { LogEvent, NumberedEvent } = events;
const positive = z.number().int().positive();

const [firstRow, ...otherRows] = [
  ...NumberedEvent.options.map(({ shape: { seq, type, body }, description = '' }) =>
    LogEvent.extend({ attempt: positive, seq, type, body }).describe(description),
  ),
  ...CoordinatorEvent.options.map(({ shape: { type, body }, description = '' }) =>
    LogEvent.extend({ seq: z.null(), type, body }).describe(description),
  ),
];
if (!firstRow) throw new Error('There is no event type.');

/** One row of the log, of a type that this version knows, with the body of that type. */
export const Event = z
  .discriminatedUnion('type', [firstRow, ...otherRows])
  .describe('One row of the log, of a known type. A newer version may add types and fields: ignore what is not here.');

/** Every named schema by its name. */
export const NAMED_TYPES: ReadonlyMap<string, z.ZodType> = unique([
  ...exported({
    ...problem,
    ...document,
    ...change,
    ...needs,
    ...task,
    ...events,
    ...socket,
    ...accounts,
    ...tokens,
    ...attachments,
    ...audit,
    ...notifications,
    ...deliveries,
    ...saved,
    ...pulls,
    ...repositories,
    ...schedules,
    ...people,
    ...forges,
    ...server,
    ...info,
    ...messages,
    ...api,
    ...worker,
    ...wait,
  }),
  ['Event', Event],
  ...members(Event, (type) => `${type}Row`),
  ...members(NumberedEvent, (type) => `Numbered${type}`),
  ...[...NumberedEvent.options, ...CoordinatorEvent.options].map(({ shape: { type, body } }): [string, z.ZodType] => [
    `${pascalCase(type.value)}Body`,
    body,
  ]),
  ...members(task.WaitingFor, (kind) => `WaitingFor${kind}`),
  ...members(wait.WorkerWait, (kind) => `WorkerWait${kind}`),
  ...members(socket.ClientFrame, (type) => `${type}Frame`),
  ...members(notifications.ChannelCreate, (kind) => `ChannelCreate${kind}`),
  ...members(socket.ServerFrame, (type) => `${type}Frame`),
]);

const NAMES = new Map([...NAMED_TYPES].map(([name, schema]) => [schema, name]));

/** The name of a schema. Throws for a schema without one: what crosses a wire needs a name. */
export function nameOf(schema: z.ZodType): string {
  const name = NAMES.get(schema);
  if (name === undefined) throw new Error('A schema that crosses a wire has no name: export it from protocol/.');
  return name;
}

/** The members of a union by the value of its discriminator. */
export function membersByValue(union: z.ZodDiscriminatedUnion): [value: string, member: z.ZodType][] {
  const { discriminator } = union.def;
  return union.options.map((option) => {
    const value = option instanceof z.ZodObject ? (option.shape[discriminator] as unknown) : undefined;
    if (!(value instanceof z.ZodLiteral)) throw new Error(`A member of a union has no literal '${discriminator}'.`);
    return [String(value.value), option as z.ZodObject];
  });
}

/** The entries as a map. Throws where two have the same name. */
function unique(entries: [string, z.ZodType][]): Map<string, z.ZodType> {
  const map = new Map<string, z.ZodType>();
  for (const [name, schema] of entries) {
    if (map.has(name)) throw new Error(`Two schemas have the name ${name}.`);
    map.set(name, schema);
  }
  return map;
}

function members(union: z.ZodDiscriminatedUnion, name: (value: string) => string): [string, z.ZodType][] {
  return membersByValue(union).map(([value, member]) => [name(pascalCase(value)), member]);
}

function exported(exports: Record<string, unknown>): [string, z.ZodType][] {
  return Object.entries(exports).filter(
    (entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType && !(entry[1] instanceof z.ZodString),
  );
}

/** `turn.finished` becomes `TurnFinished`. */
function pascalCase(value: string): string {
  return value.replaceAll(/(?:^|[._])([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
