import { z } from 'zod';
import { SCHEMA_WORDS } from './refusal-reasons.ts';

/* The variables of a project: plain ones and secret ones have the same form. */

/** The most plain variables of a project, and the most secret ones. */
export const VARIABLES_MAX = 100;

const Name = z
  .string()
  .max(100)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, SCHEMA_WORDS.not_variable_name);
const Value = z.string().max(10_000);

const atMost = <V extends z.ZodType>(most: number, value: V) =>
  z.record(Name, value).refine((all) => Object.keys(all).length <= most, `has more than ${most} entries`);

/** Variables by their names. */
export const Variables = atMost(VARIABLES_MAX, Value);
export type Variables = z.infer<typeof Variables>;

/** What becomes of variables: null removes the one of that name. Those that are not named stay. */
export const VariableChanges = atMost(2 * VARIABLES_MAX, Value.nullable()).describe(
  'by name: a value sets the variable, and null removes it; those that are not named stay',
);
export type VariableChanges = z.infer<typeof VariableChanges>;
