import { codeBelow, Failure, LoggedOut, Moved, NotFound, Refusal, Unreachable } from '../client/errors.ts';
import { TAKE_KEY } from './key-option.ts';
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

const UNKNOWN_AUTHORITY: Line = [
  'This machine does not know the authority of its certificate. If you trust it, name its certificate: ',
  ['command', 'NODE_EXTRA_CA_CERTS=ca.pem'],
];
/** What to do where TLS fails, by the code of the fault. */
const TLS_HINTS: Record<string, Line> = {
  ERR_SSL_WRONG_VERSION_NUMBER: ['It speaks no TLS there: write http:// in place of https://'],
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
};

function hintFor(error: Failure, command: string | undefined): Line | undefined {
  if (error instanceof Unreachable) return TLS_HINTS[codeBelow(error)] ?? keyHint(error, command);
  if (error instanceof LoggedOut) return ['Log in with: ', ['command', `${PROGRAM} login`]];
  if (error instanceof Moved)
    return ['If it is your server, log in there with: ', ['command', `${PROGRAM} login --server ${error.server}`]];
  if (error instanceof NotFound)
    return ['List them with: ', ['command', `${PROGRAM} ${LISTS[error.kind] ?? `${error.kind}s`}`]];
  if (error instanceof UsageFailure)
    return ['See ', ['command', [PROGRAM, command, '--help'].filter(Boolean).join(' ')]];
  return undefined;
}

/** How to send again, and only once, what may have arrived. */
function keyHint({ unsure_key }: Unreachable, command = ''): Line | undefined {
  if (unsure_key === undefined || !TAKE_KEY.has(command)) return undefined;
  return [
    'It may have arrived all the same. To send it once in all, run the same with ',
    ['command', `--key ${unsure_key}`],
  ];
}
