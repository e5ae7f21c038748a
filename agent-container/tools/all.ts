import { askPerson } from './ask-person.ts';
import { editFile } from './edit-file.ts';
import { listFiles } from './list-files.ts';
import { readFile } from './read-file.ts';
import { runCommand, stopCommand } from './run-command.ts';
import { search } from './search.ts';
import { showPicture } from './show-picture.ts';
import type { Tool } from './tool.ts';
import { updatePlan } from './update-plan.ts';
import { writeFile } from './write-file.ts';

/** Every tool. The order must not change: the tools come first in what the API caches. */
export const TOOLS: readonly Tool[] = [
  askPerson,
  editFile,
  listFiles,
  readFile,
  runCommand,
  search,
  showPicture,
  stopCommand,
  updatePlan,
  writeFile,
];
