import { login, logout, removeAccount } from './account-commands.ts';
import type { Command } from './command.ts';
import { addProject, projects, removeProject } from './project-commands.ts';
import { cancel, diff, remove, retry, say, task, tasks, watchCommand } from './task-commands.ts';

/** The commands of a client, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  login,
  logout,
  task,
  tasks,
  watchCommand,
  say,
  cancel,
  retry,
  diff,
  remove,
  projects,
  addProject,
  removeProject,
  removeAccount,
];
