import type { AttackGroup } from '../attempt.ts';
import { CALLBACKS } from './callbacks.ts';
import { PUSHES, REPOSITORIES } from './git.ts';
import { MACHINE } from './machine.ts';
import { NETWORK, PROXY } from './network.ts';
import { MEMBER, STRANGER } from './public.ts';

export const GROUPS: AttackGroup[] = [STRANGER, MEMBER, MACHINE, NETWORK, PROXY, PUSHES, REPOSITORIES, CALLBACKS];
