import { Refusal } from '../../../client/errors.ts';
import { t } from '../../parts/speech.ts';
import { faultWords } from '../../parts/words.ts';

const SAYS_MORE = ['link_invalid', 'signup_closed', 'email_taken', 'conflict', 'wrong_credentials'];

/** What went wrong at a sign-in, or with a linked account. The server's words say more than the app's. */
export function signInFault(error: unknown): string {
  if (error instanceof Refusal && SAYS_MORE.includes(error.code)) return t.server_says(error.message);
  return faultWords(error);
}
