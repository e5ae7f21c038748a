import type { FoundSecret } from './secret-search.ts';
import { A_PRIVATE_KEY } from './token-forms.ts';

/** A key with its header, up to its end; if that is missing, up to the next file of a diff. */
const WITH_HEADER = /-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?)-----[^]*?(?:-----END \1-----|(?=\ndiff --)|$)/g;
const MASK = '[private key]';

/** A line of a diff that only goes on with base64: a string, or a line of one. */
const BASE64_LINE =
  /^[ +-]\s*(?:[.+&(]\s*)?(?:(?:["'`][A-Za-z0-9+/]{4,}|[A-Za-z0-9+/]{40,})(?![A-Za-z0-9+/])|[A-Za-z0-9+/]+={0,2}["'`])={0,2}(?:\\[nr]?)*(?:["'`\s.,;+&_)\]}][\s.,;+&_)\]}\\]*)?$/;

/** Removes the secrets that were found from a text, such as a diff. */
export function redactor(found: FoundSecret[]): (text: string) => string {
  const isKey = ({ what }: FoundSecret) => what === A_PRIVATE_KEY;
  const valuesOf = (secrets: FoundSecret[]) =>
    [...new Set(secrets.map(({ value }) => value))].filter((value) => value !== '');
  const values = valuesOf(found.filter((secret) => !isKey(secret)));
  const beginnings = valuesOf(found.filter(isKey));
  return (text) => {
    const plain = values.reduce((rest, value) => rest.replaceAll(value, '[secret]'), text);
    return found.some(isKey) ? withoutKeys(plain.replace(WITH_HEADER, MASK), beginnings) : plain;
  };
}

/** Of a key without its header only the beginning was found: it may go on in the line, and in those that follow. */
function withoutKeys(text: string, beginnings: string[]): string {
  if (beginnings.length === 0) return text;
  let is_in_key = false;
  const lines = text.split('\n').map((line) => {
    const beginning = beginnings.find((value) => line.includes(value));
    if (beginning !== undefined) {
      is_in_key = true;
      return line.slice(0, line.indexOf(beginning)) + MASK;
    }
    is_in_key &&= BASE64_LINE.test(line);
    return is_in_key ? line.slice(0, 1) + MASK : line;
  });
  return lines.join('\n');
}
