import { Refusal } from '../../client/errors.ts';
import { de_accounts } from '../strings/de-accounts.ts';
import { en_accounts, type AccountWords } from '../strings/en-accounts.ts';
import { locale } from './speech.ts';
import { faultWords } from './words.ts';

/** The texts about accounts elsewhere, in the language of this person. */
export const words: AccountWords = locale.toLowerCase().startsWith('de') ? de_accounts : en_accounts;

/** What went wrong at a sign-in. The server's words say more than the app's about a link. */
export function signInFault(error: unknown): string {
  if (error instanceof Refusal && ['link_invalid', 'signup_closed', 'email_taken', 'conflict'].includes(error.code))
    return error.message;
  return faultWords(error);
}
