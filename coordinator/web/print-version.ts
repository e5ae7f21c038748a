import { fileURLToPath } from 'node:url';
import { versionOfSources } from './sources-version.ts';

/* Prints the version of the app's sources, for `.bundle`. */
process.stdout.write(versionOfSources(fileURLToPath(new URL('../../', import.meta.url))));
