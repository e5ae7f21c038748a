/**
 * Whether a message is a note of the server itself, which lets no message of a person begin so. No person has written
 * it, so it answers nothing.
 */
export function isServerNote(text: string): boolean {
  return text.startsWith('[Errand] ');
}
