import { isRedactable } from './secret-values.ts';

/*
 * The texts in which a secret may stand where it must not: in what a worker reports, which the coordinator redacts, and
 * in what it pushes, which it looks through itself.
 */

/** A secret: its value, and the name that its mask has. */
export type Secret = { name: string; value: string };

/**
 * All forms of all secrets together, which take 14 MB of memory in a `TextMatcher` then, and a tenth of a second to
 * prepare. Where secrets are longer than that, not all of their forms are looked for.
 */
const FORMS_CHARS_MAX = 1_000_000;
/** Tools break base64 into lines of at least 64 characters, so any break leaves whole blocks of this length. */
const BASE64_BLOCK = 16;
/** From here on the blocks are larger: there would be thousands of them. */
const BASE64_LONG = 6_000;
const BASE64_LONG_BLOCK = 48;

/** The forms of all secrets, with their names: first all values, then the others, as far as there is room. */
export function formsOf(secrets: readonly Secret[]): Map<string, string> {
  const forms = new Map<string, string>();
  let room = FORMS_CHARS_MAX;
  const add = (form: string, name: string) => {
    if (forms.has(form) || form.length > room) return;
    forms.set(form, name);
    room -= form.length;
  };
  for (const { name, value } of secrets) add(value, name);
  for (const { name, value } of secrets) for (const form of secretForms(value)) add(form, name);
  return forms;
}

/**
 * The texts in which a secret's value may stand: as it is, its single lines, in a JSON text, in a URL, and in base64 at
 * any position of other bytes. Whoever wants to can write it in yet another way, so this guards against accidents, not
 * against malice.
 */
function secretForms(value: string): string[] {
  const forms = [value, ...tellingLines(value)].flatMap((text) => [text, ...jsonForms(text), ...urlForms(text)]);
  return [...new Set([...forms, ...base64Forms(value)])];
}

/** The lines of a secret that show it also where they stand alone, such as in what `grep` finds. */
export function tellingLines(value: string): string[] {
  return value
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(isTelling);
}

/**
 * A line of a secret with several lines is looked for alone where its value is one long word, or has a run of letters
 * and digits as keys and hashes have it: a diff or `grep` shows it so. Other lines, such as `NODE_ENV=production` or
 * `"type": "service_account",`, stand in other files too.
 */
function isTelling(line: string): boolean {
  if (line.startsWith('-----')) return false;
  const value = line.replace(/^\w+=/, '');
  if (/^[\w+/=.~-]{16,}$/.test(value) && isRedactable(value)) return true;
  const runs = line.match(/[A-Za-z0-9]{16,}/g) ?? [];
  return runs.some((run) => /\d/.test(run) && /[A-Za-z]/.test(run));
}

/** As the content of a JSON string: plain, in ASCII, with escaped slashes, and in JSON that is text in JSON. */
function jsonForms(text: string): string[] {
  const plain = jsonContent(text);
  const ascii = plain.replaceAll(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return [plain, ascii, plain.replaceAll('/', '\\/'), jsonContent(plain), jsonContent(ascii)];
}

/** The text between the quotes of a JSON string. */
const jsonContent = (text: string): string => JSON.stringify(text).slice(1, -1);

function urlForms(text: string): string[] {
  const component = encodeURIComponent(text.toWellFormed());
  const strict = component.replaceAll(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const all = [
    component,
    strict,
    component.replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
    component.replaceAll('%2F', '/'),
    encodeURI(text.toWellFormed()),
    strict.replaceAll('%20', '+'),
    strict.replaceAll('%2A', '*').replaceAll('%20', '+'),
  ];
  return all.flatMap((form) => [form, form.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
}

/**
 * The characters of base64 that the value alone decides, after no, one or two bytes before it. A long one is cut into
 * blocks, so that a line break in it hides a few characters at most.
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value);
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const core = encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    const blocks = core.length < 2 * BASE64_BLOCK ? [core] : blocksOf(core);
    return blocks.flatMap((block) => [block, block.replaceAll('+', '-').replaceAll('/', '_')]);
  });
}

function blocksOf(core: string): string[] {
  const length = core.length < BASE64_LONG ? BASE64_BLOCK : BASE64_LONG_BLOCK;
  const count = Math.floor(core.length / length);
  const blocks = Array.from({ length: count }, (_, i) => core.slice(i * length, (i + 1) * length));
  return [...blocks, core.slice(-length)];
}
