import { readFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * One recorded callback of a worker, with its response. The ids are replaced by `{task_id}` and `{message_1}`, and
 * the key of a second repository by `{other}`, so that the call can be repeated for another task.
 */
export const Recorded = z.object({
  errand: z.string(),
  call: z.enum(['assignment', 'events', 'heartbeat', 'result']),
  headers: z.record(z.string(), z.string()),
  body: z.unknown(),
  answer: z.unknown(),
});
export type Recorded = z.infer<typeof Recorded>;

/**
 * The file with the recording of a contract version. Never record a version again that released workers use: a new
 * version gets a new file.
 */
export const recordingOf = (version: number) => new URL(`v${version}.jsonl`, import.meta.url);

/** Reads the recorded calls of a version's workers, by errand, in order. */
export function readRecording(version: number): Map<string, Recorded[]> {
  const lines = readFileSync(recordingOf(version), 'utf8').trim().split('\n');
  return Map.groupBy(
    lines.map((line) => Recorded.parse(JSON.parse(line))),
    ({ errand }) => errand,
  );
}
