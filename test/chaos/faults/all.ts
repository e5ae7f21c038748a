import type { Fault } from '../fault.ts';
import { BACKUP_FAULTS } from './backup.ts';
import { CALLBACK_FAULTS } from './callbacks.ts';
import { CLIENT_FAULTS } from './clients.ts';
import { COORDINATOR_FAULTS } from './coordinator.ts';
import { ENGINE_FAULTS } from './engine.ts';
import { HISTORY_FAULTS } from './history.ts';
import { MACHINE_FAULTS } from './machine.ts';
import { REPOSITORY_FAULTS } from './repository.ts';
import { UPSTREAM_FAULTS } from './upstream.ts';
import { WORKER_FAULTS } from './worker.ts';

/** All faults. */
export const FAULTS: Fault[] = [
  ...COORDINATOR_FAULTS,
  ...WORKER_FAULTS,
  ...CALLBACK_FAULTS,
  ...CLIENT_FAULTS,
  ...UPSTREAM_FAULTS,
  ...REPOSITORY_FAULTS,
  ...HISTORY_FAULTS,
  ...MACHINE_FAULTS,
  ...BACKUP_FAULTS,
  ...ENGINE_FAULTS,
];
