import { Refusal } from '../../../client/errors.ts';
import { faultWords } from '../../parts/words.ts';

/** What went wrong at a sign-in. The server's words say more than the app's about a link. */
export function signInFault(error: unknown): string {
  if (error instanceof Refusal && ['link_invalid', 'signup_closed', 'email_taken', 'conflict'].includes(error.code))
    return error.message;
  return faultWords(error);
}
