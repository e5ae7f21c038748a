import type { FailureReason } from '../../protocol/task.ts';
import { redactOutput } from './redact-output.ts';
import type { WorkerEnd } from './runner.ts';

/**
 * Explains to people why an attempt failed whose worker exited too early. `before`: what it would have done next, as in
 * "it listened".
 */
export function describeExit(
  end: WorkerEnd,
  before = 'it reported a result',
): { reason: FailureReason; detail: string; engine_lost?: true } {
  if (end.out_of_memory)
    return { reason: 'out_of_memory', detail: 'The worker needed more memory than the server gives it.' };
  if (end.engine_lost) {
    const detail = `The container engine was stopped or restarted, and the worker with it, before ${before}.`;
    return { reason: 'worker_lost', detail, engine_lost: true };
  }
  const how = end.exit_code === null ? 'disappeared' : `exited with code ${end.exit_code}`;
  const lines = redactOutput(end.output);
  const output = lines === '' ? '' : ` Its last output: ${lines}`;
  return { reason: 'worker_lost', detail: `The worker ${how} before ${before}.${output}` };
}
