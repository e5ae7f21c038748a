import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { DONE } from './agent-script.ts';
import { bench, type Bench } from './agent-work.ts';
import type { Fault, MessagesRequest, Turn } from './model/server.ts';

/** A model that reads a file of about 14,000 tokens in each turn, and writes a summary where it is asked for one. */
export const reading =
  (turns: number, summary: Turn | Fault = { compaction: 'Nine files were read.' }) =>
  (request: MessagesRequest) => {
    if (request.compaction !== undefined) return summary;
    const n = Number(/NEXT (\d+)(?!.*NEXT)/s.exec(JSON.stringify(request.messages))?.[1] ?? 0);
    if (n >= turns) return DONE;
    return {
      thinking: `File ${n}.`,
      text: `NEXT ${n + 1}`,
      tools: [{ name: 'read_file', input: { path: 'long', limit: 1000 + n } }],
    };
  };

/** A bench with that file. */
export async function longBench(t: ExecutionContext, handler: ReturnType<typeof reading>): Promise<Bench> {
  const b = await bench(t, { handler, piece_chars: 1000 });
  await writeFile(join(b.repo_dir, 'long'), `${'x'.repeat(95)}\n`.repeat(480));
  return b;
}
