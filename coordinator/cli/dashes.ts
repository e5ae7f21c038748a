import type { ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * Puts the options first and the operands behind `--`, so that an operand may begin with a dash where there is no
 * doubt: words with a space are a text, since no option's name has one, and so is a negative number. The same holds
 * for the value of an option. Words after a `--` are operands, whatever they begin with.
 */
export function separateOperands(argv: readonly string[], options: Options): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const [named, operands]: [string[], string[]] = [[], []];
  for (let index = 0; index < end; index++) {
    const word = argv[index] ?? '';
    if (!word.startsWith('-') || word === '-' || isText(word)) operands.push(word);
    else if (index + 1 < end && takesNextWord(word, options)) named.push(...withValue(word, argv[++index] ?? ''));
    else named.push(word);
  }
  return [...named, '--', ...operands, ...argv.slice(end + 1)];
}

function isText(word: string): boolean {
  return /^-(\d|[^=\s]*\s)/.test(word);
}

function takesNextWord(word: string, options: Options): boolean {
  return options[word.slice(2)]?.type === 'string';
}

/** A value that looks like another option stays apart: its own may have been forgotten. */
function withValue(option: string, value: string): string[] {
  return isText(value) ? [`${option}=${value}`] : [option, value];
}
