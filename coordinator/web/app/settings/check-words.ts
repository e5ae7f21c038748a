import type { CheckStrings } from '../../strings/en-checks.ts';

type Known = readonly [check: string, words: RegExp, text: Exclude<keyof CheckStrings, 'names'>];

/** What the server says of its checks, and the app's text for it. What is in brackets is passed on to the text. */
const KNOWN: readonly Known[] = [
  ['database', /^answers$/, 'answers'],
  ['database', /^is damaged: /, 'damaged'],
  ['disk', /^(\d+) MB free$/, 'free'],
  ['disk', /disk is nearly full: (\S+ MB) free; .* until (\S+ MB)/, 'nearly_full'],
  ['runner', /^docker$/, 'docker'],
  ['runner', /^process$/, 'process'],
  ['isolation', /^was tried$/, 'tried'],
  ['isolation', /^is being tried$/, 'being_tried'],
  ['isolation', /^none: process$/, 'no_isolation'],
  ['images', /^(\d+) beside the default$/, 'images'],
  ['model', /^the demo model$/, 'demo'],
  ['model', /^The Claude API refuses the API key/, 'key_refused'],
  ['reserve', /^(\d+) MB for cancels/, 'reserve'],
  ['reserve', /^there is no space for the reserve/, 'no_reserve'],
  ['reserve', /^the disk is full: only/, 'full'],
  ['reserve', /^the disk is full: there is no/, 'full_no_reserve'],
  ['removal', /^nothing is left$/, 'nothing_left'],
  ['removal', /^(\d+) of the folders/, 'left'],
  ['backup', /^there is no backup yet$/, 'no_backup'],
  ['backup', /^the last good backup is (\d+) min old$/, 'last_backup'],
  ['backup', /^the last good backup is (\d+) h old$/, 'last_backup_h'],
  ['backup', /^the last good backup is (\d+) days old$/, 'last_backup_d'],
];

/** A check in words: its name, and how it does. What the app does not know is in the server's words. */
export function checkWords(check: string, detail: string, strings: CheckStrings): { name: string; words: string } {
  const name = isNamed(strings.names, check) ? strings.names[check] : check;
  for (const [of, pattern, key] of KNOWN) {
    const found = of === check ? pattern.exec(detail) : null;
    if (found === null) continue;
    const text = strings[key];
    const [, first = '', second = ''] = found;
    return { name, words: typeof text === 'string' ? text : text(first, second) };
  }
  return { name, words: detail };
}

function isNamed(names: CheckStrings['names'], check: string): check is keyof CheckStrings['names'] {
  return Object.hasOwn(names, check);
}
