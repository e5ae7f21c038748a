import { Refusal } from '../../../client/errors.ts';
import { s } from '../screen-speech.ts';
import { signInFault } from './sign-in-fault.ts';

/** What went wrong where the server wants to be sure who asks. Who has no password cannot be asked for it. */
export function confirmFault(error: unknown): string {
  const has_none = error instanceof Refusal && error.code === 'wrong_credentials' && error.errors.length === 0;
  return has_none ? s.accounts.sign_in_again : signInFault(error);
}
