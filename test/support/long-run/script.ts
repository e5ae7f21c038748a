import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../agent-work.ts';
import type { ModelOptions } from '../model/server.ts';
import { Random } from '../random.ts';

/*
 * A run of 450 turns, as recorded sessions are: mostly small commands and edits, files in parts, now and then an output
 * of 60 kB and a few reads in one turn.
 */

export const TURNS = 450;
const LINE = 'const value = compute(input, options.depth, [...rest, "more"]); // keeps the order\n';
const FILE_LINES = 4_000;

const words = (random: Random, chars: number): string =>
  Array.from({ length: Math.ceil(chars / 12) }, () => random.whole(1e10, 9e10).toString(36))
    .join(' ')
    .slice(0, chars);

/** The files that the run works on. */
export async function prepareLongRun({ repo_dir }: Bench): Promise<void> {
  await writeFile(join(repo_dir, 'big.ts'), LINE.repeat(FILE_LINES));
  await writeFile(join(repo_dir, 'edited.ts'), 'let step = 0;\n');
}

/** A model that plays the run. It writes a summary where it is asked for one. */
export function longRun(): ModelOptions {
  const random = new Random(8);
  let turn = 0;
  return {
    piece_chars: 4_000,
    handler: (request) => {
      if (request.compaction !== undefined) return { compaction: `<summary>${words(random, 12_000)}</summary>` };
      if (turn === TURNS - 1) return { text: 'Mend the order\n\nIt is kept now.' };
      return turnOf(turn++, random);
    },
  };
}

type ToolCall = { name: string; input: Record<string, unknown> };
/**
 * `share`: how long texts and results are, against a long run. `long_every`: how many turns for one output of 60 kB.
 */
type Measure = { share: number; long_every: number };

/** One turn of such a run. */
export function turnOf(
  turn: number,
  random: Random,
  { share, long_every }: Measure = { share: 1, long_every: 30 },
): { thinking: string; tools: ToolCall[] } {
  const scaled = (length: number) => Math.ceil(length * share);
  const whole = (from: number, to: number) => scaled(random.whole(from, to));
  const thinking = words(random, whole(100, 900));
  const read = (lines: number) => ({
    name: 'read_file',
    input: { path: 'big.ts', offset: random.whole(1, FILE_LINES - lines), limit: lines },
  });
  const command = (chars: number) => ({
    name: 'run_command',
    input: { command: `# ${words(random, scaled(80))}\nhead -c ${chars} big.ts; echo ${turn}` },
  });
  if (turn % long_every === 17) return { thinking, tools: [command(60_000)] };
  if (turn % 40 === 3) return { thinking, tools: Array.from({ length: 6 }, () => read(scaled(60))) };
  if (turn % 5 === 1) return { thinking, tools: [read(whole(20, 120))] };
  if (turn % 5 === 3) {
    const new_text = `// ${words(random, scaled(400))}\nlet step = `;
    return {
      thinking,
      tools: [{ name: 'edit_file', input: { path: 'edited.ts', old_text: 'let step = ', new_text } }],
    };
  }
  return { thinking, tools: [command(whole(100, 4_000))] };
}
