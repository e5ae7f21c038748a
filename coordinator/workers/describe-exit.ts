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
): { reason: FailureReason; detail: string } {
  if (end.out_of_memory)
    return { reason: 'out_of_memory', detail: 'The worker needed more memory than the server gives it.' };
  const how = end.exit_code === null ? 'disappeared' : `exited with code ${end.exit_code}`;
  const lines = redactOutput(end.output);
  const output = lines === '' ? '' : ` Its last output: ${lines}`;
  return { reason: 'worker_lost', detail: `The worker ${how} before ${before}.${output}` };
}
