import { password, removeAccount, revokeSession, sessions } from './account-commands.ts';
import { answer } from './answer-command.ts';
import { audit, exportAudit, verifyAudit } from './audit-commands.ts';
import type { Command } from './command.ts';
import { diff } from './diff-command.ts';
import { forges, forgetForge } from './forge-commands.ts';
import { link, links, unlink } from './link-commands.ts';
import { repositories } from './repository-commands.ts';
import { rotateKeys } from './keys-commands.ts';
import { login, logout, signup } from './login-commands.ts';
import { merge, ready } from './merge-commands.ts';
import { messages, reword, unsay } from './message-commands.ts';
import {
  mute,
  notify,
  notifyNtfy,
  notifyRemove,
  notifySet,
  notifyTest,
  notifyWebhook,
  unmute,
} from './notify-commands.ts';
import { block, invite, invites, people, qr, removePerson, revokeInvite, unblock } from './people-commands.ts';
import { addProject, projects, removeProject, setProject } from './project-commands.ts';
import { showProject } from './project-show.ts';
import {
  scheduleAdd,
  scheduleList,
  schedulePause,
  scheduleRemove,
  scheduleResume,
  scheduleRun,
  scheduleRuns,
  scheduleSet,
} from './schedule-commands.ts';
import { serverSettings, serverStatus } from './server-commands.ts';
import { servers, use } from './servers-commands.ts';
import { show, tasks, watchCommand } from './show-commands.ts';
import { pr } from './pull-command.ts';
import { addToken, revokeToken, tokens } from './token-commands.ts';
import { archive, cancel, remove, retry, say, send, task, unarchive, update } from './task-commands.ts';

/** The commands of a client, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  signup,
  login,
  logout,
  servers,
  use,
  task,
  send,
  tasks,
  show,
  watchCommand,
  say,
  update,
  answer,
  messages,
  reword,
  unsay,
  cancel,
  retry,
  diff,
  pr,
  ready,
  merge,
  archive,
  unarchive,
  remove,
  repositories,
  projects,
  showProject,
  addProject,
  setProject,
  removeProject,
  scheduleList,
  scheduleAdd,
  scheduleSet,
  schedulePause,
  scheduleResume,
  scheduleRun,
  scheduleRuns,
  scheduleRemove,
  // The first command whose words fit is taken.
  notifyWebhook,
  notifyNtfy,
  notifyTest,
  notifySet,
  notifyRemove,
  notify,
  mute,
  unmute,
  links,
  link,
  unlink,
  password,
  sessions,
  revokeSession,
  tokens,
  addToken,
  revokeToken,
  removeAccount,
  qr,
  people,
  // The first command whose words fit is taken.
  revokeInvite,
  invite,
  invites,
  block,
  unblock,
  removePerson,
  serverStatus,
  serverSettings,
  exportAudit,
  verifyAudit,
  audit,
  forges,
  forgetForge,
  rotateKeys,
];
