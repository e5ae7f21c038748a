import { hasCredential as urlHasCredential } from '../../../../protocol/url-credential.ts';

/** What stands for the address of a forge. */
export const SHORT_NAME = /^(gh|github|gitlab|bitbucket):./;

/** How an address begins: with its scheme, as ssh has it, with the short name of a forge, or with its host. */
const FORMS = [/^(https?|ssh):\/\/[^/]+\/./, /^[\w.-]+@[\w.-]+:./, SHORT_NAME, /^[^/:@]+\.[^/]+\/./];

/**
 * The address in what somebody typed or pasted; undefined: it is none, or not yet. Only the server knows whether it can
 * be cloned.
 */
export function addressIn(text: string): string | undefined {
  const address = text.trim().replace(/^git clone\s+/i, '');
  if (/\s/.test(address) || hasCredential(address)) return undefined;
  return address.startsWith('errand:') || FORMS.some((form) => form.test(address)) ? address : undefined;
}

/** Whether there is a password or a token in an address. It would be stored, and the server refuses it. */
export function hasCredential(text: string): boolean {
  const url = text.includes('//') ? text : `https://${text}`;
  return /^[^?#]*\/\/[^/]*:[^/]*@/.test(url) || (URL.canParse(url) && urlHasCredential(new URL(url)));
}
