import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { sourcePath } from '../base/source-path.ts';

const Package = z.object({ version: z.string() });

/** The version of this command line. Throws if its package is not whole. */
export function ownVersion(): string {
  return Package.parse(JSON.parse(readFileSync(sourcePath('package.json'), 'utf8'))).version;
}
