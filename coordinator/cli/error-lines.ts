import { Failure, LoggedOut, Moved, NotFound, Refusal } from '../client/errors.ts';
import { fieldErrorText, withOptions } from './option-names.ts';
import type { Line } from './render/line.ts';
import { PROGRAM } from './render/program.ts';
import { UsageFailure } from './usage-failure.ts';

/**
 * An error as the user sees it, with a hint on what to do. `command`: the name of the command that failed, if there is
 * one.
 */
export function errorLines(error: unknown, command: string | undefined): Line[] {
  if (!(error instanceof Failure))
    return [
      [['red', `Something went wrong in the command line: ${error instanceof Error ? error.message : String(error)}`]],
    ];
  const [first = '', ...rest] = textOf(error).split('\n');
  const hint = hintFor(error, command);
  return [[['red', first]], ...rest.map((line) => [line]), ...(hint ? [hint] : [])];
}

/** The message of an error. For an invalid request it names the options instead of the API's fields. */
function textOf(error: Failure): string {
  if (!(error instanceof Refusal)) return error.message;
  if (error.code !== 'invalid' || error.errors.length === 0) return withOptions(error.message);
  const texts = error.errors.map(fieldErrorText);
  const [only = '', ...others] = texts;
  return others.length === 0 ? only : ['The server refused this:', ...texts.map((text) => `  ${text}`)].join('\n');
}

/** The commands that list things, where it is not the plural. */
const LISTS: Partial<Record<NotFound['kind'], string>> = {
  person: 'people',
  channel: 'notify',
  schedule: 'schedule list',
  'linked account': 'links',
};

function hintFor(error: Failure, command: string | undefined): Line | undefined {
  if (error instanceof LoggedOut) return ['Log in with: ', ['command', `${PROGRAM} login`]];
  if (error instanceof Moved)
    return ['If it is your server, log in there with: ', ['command', `${PROGRAM} login --server ${error.server}`]];
  if (error instanceof NotFound)
    return ['List them with: ', ['command', `${PROGRAM} ${LISTS[error.kind] ?? `${error.kind}s`}`]];
  if (error instanceof UsageFailure)
    return ['See ', ['command', [PROGRAM, command, '--help'].filter(Boolean).join(' ')]];
  return undefined;
}
