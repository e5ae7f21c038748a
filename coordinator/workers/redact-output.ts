import { stripVTControlCharacters } from 'node:util';

const LINES_MAX = 3;
const CHARS_MAX = 400;

/** Text that looks like a credential: a token of Errand, of a forge or of a model API, or a password in a URL. */
const SECRETS = [
  /(?<![\w-])(?=[\w-]+\.[\w-]+\.)[\w-]*?\beyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /\b(?:gh[a-z]_|github_pat_|glpat-|sk-|xox[a-z]-)[\w-]{8,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g,
  /(?=[\w.~+/=-]{8})(?<=\b(?:bearer|basic)\s+)[\w.~+/=-]+/gi,
  /(?<=:\/\/)[^\s/@]+@/g,
];
const CONTROLS = /[^\P{Cc}\n]/gu;
/** Lines of a stack trace. They belong in the server's log only. */
const STACK = /^\s+at |^\s*(?:at )?file:\/\/|^\s*\^+\s*$|^Node\.js v/;

/**
 * Returns the last lines of a worker's output for people, joined into one line of at most 400 characters, without
 * stack traces, escape sequences and anything that looks like a credential. May be empty.
 */
export function redactOutput(output: string): string {
  const lines = stripVTControlCharacters(output)
    .replace(CONTROLS, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !STACK.test(line))
    .map((line) => line.trim());
  const text = lines.slice(-LINES_MAX).join(' | ');
  const clean = SECRETS.reduce((left, secret) => left.replace(secret, '[hidden]'), text);
  return clean.length > CHARS_MAX ? `…${clean.slice(-CHARS_MAX).toWellFormed()}` : clean;
}
