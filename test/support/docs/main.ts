import { writeFile } from 'node:fs/promises';
import { generatedFiles } from './generated-files.ts';

/* `npm run docs`: writes the tables and the picture that are generated from the code into the documentation. */

for (const { path, text } of await generatedFiles()) await writeFile(path, text);
