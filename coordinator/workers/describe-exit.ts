import type { FailureReason } from '../../protocol/task.ts';
import { redactOutput } from './redact-output.ts';
import type { WorkerEnd } from './runner.ts';

/** Explains to people why an attempt failed whose worker exited before it reported a result. */
export function describeExit(end: WorkerEnd): { reason: FailureReason; detail: string } {
  if (end.out_of_memory)
    return { reason: 'out_of_memory', detail: 'The worker needed more memory than the server gives it.' };
  const how = end.exit_code === null ? 'disappeared' : `exited with code ${end.exit_code}`;
  const lines = redactOutput(end.output);
  const output = lines === '' ? '' : ` Its last output: ${lines}`;
  return { reason: 'worker_lost', detail: `The worker ${how} before it reported a result.${output}` };
}
