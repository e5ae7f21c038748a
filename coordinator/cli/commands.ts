import { password, removeAccount, revokeSession, sessions } from './account-commands.ts';
import { answer } from './answer-command.ts';
import { audit, exportAudit, verifyAudit } from './audit-commands.ts';
import type { Command } from './command.ts';
import { rotateKeys } from './keys-commands.ts';
import { login, logout, signup } from './login-commands.ts';
import { addProject, projects, removeProject, setProject } from './project-commands.ts';
import { servers, use } from './servers-commands.ts';
import { diff, tasks, watchCommand } from './show-commands.ts';
import { addToken, revokeToken, tokens } from './token-commands.ts';
import { cancel, remove, retry, say, task } from './task-commands.ts';

/** The commands of a client, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  signup,
  login,
  logout,
  servers,
  use,
  task,
  tasks,
  watchCommand,
  say,
  answer,
  cancel,
  retry,
  diff,
  remove,
  projects,
  addProject,
  setProject,
  removeProject,
  password,
  sessions,
  revokeSession,
  tokens,
  addToken,
  revokeToken,
  removeAccount,
  // The first command whose words fit is taken.
  exportAudit,
  verifyAudit,
  audit,
  rotateKeys,
];
