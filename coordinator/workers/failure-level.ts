import type { DispatchGate } from '../tasks/dispatch-gate.ts';

/**
 * The level for a failure of a call to the runner that is repeated. While the runner has a fault, or the disk is full,
 * that is the cause: it was logged once, with what to do.
 */
export function failureLevel<L extends 'warn' | 'error'>(gate: Pick<DispatchGate, 'of'>, level: L): L | 'debug' {
  return gate.of('runner') === null && gate.of('disk') === null ? level : 'debug';
}
