import { Echoes } from './echoes.ts';
import type { Item, ReadsItem, ToolItem } from './items.ts';

/** Leaves out what the agent was told where the person was told the same before, as a line of the log. */
export function withoutEchoes(items: readonly Item[]): Item[] {
  const echoes = new Echoes();
  return items.filter((item) => {
    if (item.kind !== 'note') return true;
    const { note } = item;
    if (note.what === 'log') echoes.add(note.text);
    return note.what !== 'harness' || !echoes.isEcho(note.text);
  });
}

/** The tools that only look. */
const LOOKS = new Set(['read_file', 'search', 'list_files']);

/**
 * Folds each run of at least two finished reads and searches into one row. Thinking between them is kept in place and
 * ends the run.
 */
export function groupReads(items: readonly Item[]): (Item | ReadsItem)[] {
  const rows: (Item | ReadsItem)[] = [];
  let run: ToolItem[] = [];
  const endRun = (): void => {
    const [first, second] = run;
    if (first && second) rows.push({ kind: 'reads', key: `reads-${first.key}`, at: first.at, tools: run });
    else rows.push(...run);
    run = [];
  };
  for (const item of items) {
    if (item.kind === 'tool' && item.state === 'done' && LOOKS.has(item.name)) run.push(item);
    else {
      endRun();
      rows.push(item);
    }
  }
  endRun();
  return rows;
}
