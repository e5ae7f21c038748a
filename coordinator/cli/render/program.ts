import { basename, sep } from 'node:path';

/** How a person types the program that runs as `argv_1`: `errand` where it is installed, `npx errand` in Errand's folder. */
export function programName(argv_1: string): string {
  const installed = /^errand(\.\w+)?$/.test(basename(argv_1)) && !argv_1.includes(`${sep}node_modules${sep}.bin${sep}`);
  return installed ? 'errand' : 'npx errand';
}

/** The name of this program, for the commands that messages tell a person to type. */
export const PROGRAM = programName(process.argv[1] ?? '');
