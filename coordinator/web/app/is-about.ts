import { Refusal } from '../../client/errors.ts';

/** Whether the server refused the field, such as `/password`. */
export function isAbout(error: unknown, wanted: string): boolean {
  return error instanceof Refusal && error.errors.some(({ field }) => field === wanted);
}
