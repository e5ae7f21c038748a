import { findText } from './find-text.ts';

const MASK = /\[secret(?: \w{1,100})?\]/;

/**
 * Whether `redacted` is `text` with masks in place of some parts of it. This needs no secrets, which may have changed
 * since.
 */
export function isRedactionOf(redacted: string, text: string): boolean {
  const [first = '', ...parts] = redacted.split(MASK);
  const last = parts.pop();
  if (last === undefined) return redacted === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = findText(text, part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
