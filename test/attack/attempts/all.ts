import type { AttackGroup } from '../attempt.ts';
import { CALLBACKS } from './callbacks.ts';
import { PUSHES, REPOSITORIES } from './git.ts';
import { LFS } from './lfs.ts';
import { MACHINE } from './machine.ts';
import { CARRIED_MODEL } from './model.ts';
import { MONEY } from './money.ts';
import { NETWORK, PROXY, TLS } from './network.ts';
import { MEMBER, STRANGER } from './public.ts';
import { MEMBERS_RIGHTS, SCRIPT } from './rights.ts';

export const GROUPS: AttackGroup[] = [
  STRANGER,
  MEMBER,
  MEMBERS_RIGHTS,
  SCRIPT,
  MACHINE,
  NETWORK,
  PROXY,
  TLS,
  PUSHES,
  REPOSITORIES,
  LFS,
  CALLBACKS,
  CARRIED_MODEL,
  MONEY,
];
