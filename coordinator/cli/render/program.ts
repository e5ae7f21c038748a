import { basename, sep } from 'node:path';

/** The name to type for the program at `argv_1`: `errand` if it is installed, `npx errand` in a clone. */
export function programName(argv_1: string): string {
  const installed = /^errand(\.\w+)?$/.test(basename(argv_1)) && !argv_1.includes(`${sep}node_modules${sep}.bin${sep}`);
  return installed ? 'errand' : 'npx errand';
}

/** The name of this program in the commands that messages suggest. The admin program gets it as its `argv[0]`. */
export const PROGRAM = /^(npx )?errand$/.test(process.argv0) ? process.argv0 : programName(process.argv[1] ?? '');
