import { Failure, LoggedOut, NotFound } from '../client/errors.ts';
import type { Line } from './render/line.ts';
import { PROGRAM } from './render/program.ts';
import { UsageFailure } from './usage-failure.ts';

/** What a person reads of an error, and what they can do about it. `command`: the name of the command that failed, if one was found. */
export function errorLines(error: unknown, command: string | undefined): Line[] {
  if (!(error instanceof Failure))
    return [
      [['red', `Something went wrong in the command line: ${error instanceof Error ? error.message : String(error)}`]],
    ];
  const [first = '', ...rest] = error.message.split('\n');
  const hint = hintFor(error, command);
  return [
    [['red', first]],
    ...rest.map((line) => [line]),
    ...error.errors.map(({ field, message }) => [`  ${field} ${message}`]),
    ...(hint ? [hint] : []),
  ];
}

function hintFor(error: Failure, command: string | undefined): Line | undefined {
  if (error instanceof LoggedOut) return ['Log in with: ', ['command', `${PROGRAM} login`]];
  if (error instanceof NotFound) return ['List them with: ', ['command', `${PROGRAM} ${error.kind}s`]];
  if (error instanceof UsageFailure)
    return ['See ', ['command', [PROGRAM, command, '--help'].filter(Boolean).join(' ')]];
  return undefined;
}
