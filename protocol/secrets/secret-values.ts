/*
 * Which values of a project's secrets are redacted, and by what. The worker does so before the model sees a text, and
 * the coordinator again before it stores or relays one.
 */

/** A shorter value is hardly a secret, and redacting it would make ordinary text unreadable. */
const SECRET_CHARS_MIN = 8;
const DIFFERENT_CHARS_MIN = 5;
/** Values that stand in ordinary text. A secret with such a value cannot be redacted without harm to that text. */
const COMMON =
  /^(production|development|staging|localhost|undefined|disabled|enabled|anonymous|postgres(ql)?|password|passw0rd|changeme|administrator|username|database|examples?|example\.(com|org|net)|function|continue|required|optional)$/i;

/** Whether a secret with this value can be told from ordinary text, and so is redacted. */
export function isRedactable(value: string): boolean {
  if (value.length < SECRET_CHARS_MIN || COMMON.test(value.trim())) return false;
  return new Set(value).size >= DIFFERENT_CHARS_MIN;
}

/** What stands in place of a secret. `name`: that of its variable. */
export const maskOf = (name: string): string => `[secret ${name}]`;
