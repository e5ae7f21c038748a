import { ErrandError } from '../../protocol/problem.ts';

/**
 * The error with the names of its fields below `prefix`, such as `/repositories/0`: for a check of a part of a request.
 * Errors that name no field are returned as they are.
 */
export function prefixFields(error: unknown, prefix: string): unknown {
  if (!(error instanceof ErrandError) || !error.errors) return error;
  const { code, errors, retry_after_s } = error;
  const message = errors.reduce(
    (text, { field }) => text.replace(`: ${field} `, `: ${prefix}${field} `),
    error.message,
  );
  return new ErrandError(code, message, {
    errors: errors.map((error_at) => ({ ...error_at, field: prefix + error_at.field })),
    ...(retry_after_s !== undefined && { retry_after_s }),
    cause: error,
  });
}
