import { parseArgs } from 'node:util';
import { UsageFailure } from './usage-failure.ts';
import type { Io } from './io.ts';

type Option = {
  type: 'string' | 'boolean';
  /** It may be given several times. */
  multiple?: true;
  help: string;
  placeholder?: string;
};
export type Options = Record<string, Option>;
type Value<O extends Option> = O extends { multiple: true } ? string[] : O['type'] extends 'string' ? string : boolean;
/** The values of the options that were given. */
export type Values<O extends Options> = { [K in keyof O]?: Value<O[K]> };
type Operands<P extends readonly string[]> = {
  [K in keyof P]: P[K] extends `[${string}]` ? string | undefined : string;
};
/** What was typed after a command's name. */
export type Given<O extends Options, P extends readonly string[]> = { values: Values<O>; operands: Operands<P> };

/** For a command that prints a list or a thing. */
export const JSON_OPTION = { type: 'boolean', help: 'one JSON object a line, for scripts' } as const;

/** How a command is typed, and what it does. */
export type Synopsis<N extends string = string, P extends readonly string[] = readonly string[]> = {
  /** As it is typed, such as `say`, or `project add`. */
  name: N;
  /** What follows the name, such as `ID`; one in brackets, such as `[NAME]`, may be left out. */
  operands: P;
  summary: string;
};

export type Command = Synopsis & {
  options: Options;
  /** Runs it with what follows its name; resolves with the exit code. */
  run: (argv: string[], io: Io) => Promise<number>;
};

/** Whether the words begin with a command's name, which may be of several words. */
export function beginsWith(argv: readonly string[], name: string): boolean {
  return name.split(' ').every((word, index) => argv[index] === word);
}

/** A command whose options have types. */
export function command<const O extends Options, const P extends readonly string[]>(
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
      // What was parsed by `options` has their types, and the operands were counted.
      return spec.run({ values: values as Values<O>, operands: positionals as unknown as Operands<P> }, io);
    },
  };
}

function parse(args: string[], options: Options) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    // Its second sentence tells how to pass a text that begins with a dash, at length.
    const [words = ''] = error instanceof Error ? error.message.split(/\. /) : [];
    throw new UsageFailure(`${words.replace(/\.$/, '')}.`, { cause: error });
  }
}

/** A number that was given as text; undefined where none was. `option`: what to name where it is none. */
export function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new UsageFailure(`--${option} is not a number: ${text}`);
  return Number(text);
}

/** The object without what is undefined: an option that was not given is no field of a request. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
