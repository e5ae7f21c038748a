import { parseArgs, type ParseArgsConfig } from 'node:util';

/** The options of a program for developers. With one that it does not know it says so, and exits with 2. */
export function parseOptions<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>>['values'] {
  try {
    return parseArgs(config).values;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    console.error('See --help.');
    process.exit(2);
  }
}
