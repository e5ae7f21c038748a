import type { z } from 'zod';
import { ErrandError, parse } from './problem.ts';

const FIELD_CHARS_MAX = 200;

/**
 * As `parse`, but also refuses a field that the schema does not know in an object within the value. Clients read some
 * of these objects too, so their schemas leave such a field out.
 */
export function parseWhole<T>(schema: z.ZodType<T>, value: unknown, where = 'The request', at = ''): T {
  const parsed = parse(schema, value, where, at);
  const field = fieldLeftOut(value, parsed, at);
  if (field === undefined) return parsed;
  const message = 'is not a known field';
  throw new ErrandError('invalid', `${where} is not valid: ${field} ${message}`, { errors: [{ field, message }] });
}

/** The JSON pointer of the first field that is missing in what was parsed. */
function fieldLeftOut(value: unknown, parsed: unknown, at: string): string | undefined {
  if (value === parsed || !isObject(value) || !isObject(parsed)) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (!Object.hasOwn(parsed, key)) return `${at}/${key}`.slice(0, FIELD_CHARS_MAX);
    const field = fieldLeftOut(inner, parsed[key], `${at}/${key}`);
    if (field !== undefined) return field;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
