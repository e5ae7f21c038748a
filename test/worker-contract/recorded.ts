import { readFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * One callback of a worker, as it went over the wire, and its answer. The task's id stands as `{task_id}`, a message's as `{message_1}`, so that it
 * can be made again for another task.
 */
export const Recorded = z.object({
  errand: z.string(),
  call: z.enum(['assignment', 'events', 'heartbeat', 'result']),
  headers: z.record(z.string(), z.string()),
  body: z.unknown(),
  answer: z.unknown(),
});
export type Recorded = z.infer<typeof Recorded>;

/** Where the recording of a version is kept. One that workers at large may still speak is never made again: another gets a file of its own. */
export const recordingOf = (version: number) => new URL(`v${version}.jsonl`, import.meta.url);

/** The calls of a version's workers, by errand, in their order. */
export function readRecording(version: number): Map<string, Recorded[]> {
  const lines = readFileSync(recordingOf(version), 'utf8').trim().split('\n');
  return Map.groupBy(
    lines.map((line) => Recorded.parse(JSON.parse(line))),
    ({ errand }) => errand,
  );
}
