import type { z } from 'zod';
import { ErrandError, parse } from './problem.ts';

const FIELD_CHARS_MAX = 200;

/**
 * As `parse`, but also refuses a field that the schema does not know in an object within the value. Clients read some
 * of these objects too, so their schemas leave such a field out.
 */
export function parseWhole<T>(schema: z.ZodType<T>, value: unknown, where = 'The request', at = ''): T {
  const parsed = parse(schema, value, where, at);
  const path = fieldLeftOut(value, parsed);
  if (path === undefined) return parsed;
  const field = `${at}${path}`.slice(0, FIELD_CHARS_MAX);
  const message = 'is not a known field';
  throw new ErrandError('invalid', `${where} is not valid: ${field} ${message}`, { errors: [{ field, message }] });
}

/** The JSON pointer of the first field that is missing in what was parsed. It is made only where there is one. */
function fieldLeftOut(value: unknown, parsed: unknown): string | undefined {
  if (value === parsed || !isObject(value) || !isObject(parsed)) return undefined;
  for (const key of Object.keys(value)) {
    const below = Object.hasOwn(parsed, key) ? fieldLeftOut(value[key], parsed[key]) : '';
    if (below !== undefined) return `/${key}${below}`;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
