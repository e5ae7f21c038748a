import { parseArgs } from 'node:util';
import { separateOperands } from './dashes.ts';
import { UsageFailure } from './usage-failure.ts';
import type { Io } from './io.ts';

type Option = {
  type: 'string' | 'boolean';
  /** The option may be repeated. */
  multiple?: true;
  help: string;
  placeholder?: string;
};
export type CommandOptions = Record<string, Option>;
type Value<O extends Option> = O extends { multiple: true } ? string[] : O['type'] extends 'string' ? string : boolean;
/** The values of the options that were given. */
export type Values<O extends CommandOptions> = { [K in keyof O]?: Value<O[K]> };
type Operands<P extends readonly string[]> = {
  [K in keyof P]: P[K] extends `[${string}]` ? string | undefined : string;
};
/** What was typed after a command's name. */
export type Given<O extends CommandOptions, P extends readonly string[]> = { values: Values<O>; operands: Operands<P> };

/** The option for machine-readable output. */
export const JSON_OPTION = { type: 'boolean', help: 'print JSON, one object per line' } as const;

/** How a command is typed, and what it does. */
export type Synopsis<N extends string = string, P extends readonly string[] = readonly string[]> = {
  /** One or more words, such as `say` or `project add`. */
  name: N;
  /** The positional arguments, such as `ID`; one in brackets, such as `[NAME]`, is optional. */
  operands: P;
  summary: string;
};

export type Command = Synopsis & {
  options: CommandOptions;
  /** Runs the command with the arguments after its name. Resolves with the exit code. */
  run: (argv: string[], io: Io) => Promise<number>;
};

/** Whether `argv` begins with the words of a command's name. */
export function beginsWith(argv: readonly string[], name: string): boolean {
  return name.split(' ').every((word, index) => argv[index] === word);
}

/** Makes a command whose `run` gets typed options. */
export function command<const O extends CommandOptions, const P extends readonly string[]>(
  spec: Synopsis<string, P> & { options: O; run: (given: Given<O, P>, io: Io) => Promise<number> },
): Command {
  return {
    ...spec,
    run: (argv, io) => {
      const { values, positionals } = parse(argv, spec.options);
      const missing = spec.operands[positionals.length];
      if (missing?.startsWith('[') === false) throw new UsageFailure(`${missing} is missing.`);
      const extra = positionals[spec.operands.length];
      if (extra !== undefined) throw new UsageFailure(`'${extra}' is one too many: put a text in quotes.`);
      // `parseArgs` checked the options, and the operands were counted above.
      return spec.run({ values: values as Values<O>, operands: positionals as unknown as Operands<P> }, io);
    },
  };
}

function parse(argv: string[], options: CommandOptions) {
  try {
    return parseArgs({ args: separateOperands(argv, options), options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's second sentence is a long hint that does not fit a command with options of its own.
    const [words = ''] = error instanceof Error ? error.message.split(/\. |\n/) : [];
    throw new UsageFailure(`${words.replace(/\.$/, '')}.${hintOn(error)}`, { cause: error });
  }
}

/** What to write where a word that begins with a dash was not meant as an option. */
function hintOn(error: unknown): string {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'ERR_PARSE_ARGS_UNKNOWN_OPTION':
      return ' A text that begins with a dash comes last, after --';
    case 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE':
      return ' A value that begins with a dash is joined to its option by =';
    default:
      return '';
  }
}

/** Reads a number; undefined stays undefined. `option` is named in the error. */
export function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new UsageFailure(`--${option} is not a number: ${text}`);
  return Number(text);
}

/** Drops the undefined fields: an option that was not given must not be in the request. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
