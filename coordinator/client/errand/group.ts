import type { Item, ReadsItem, ToolItem } from './items.ts';

/** So much of two notes is compared: either may have come cut. */
const COMPARED_CHARS = 120;

/** Leaves out what the agent was told where the person was told the same before, as a line of the log. */
export function withoutEchoes(items: readonly Item[]): Item[] {
  const told = new Set<string>();
  return items.filter((item) => {
    if (item.kind !== 'note') return true;
    const { note } = item;
    if (note.what === 'log') told.add(note.text.slice(0, COMPARED_CHARS));
    return note.what !== 'harness' || !told.has(note.text.replace(/^\[Errand\] /, '').slice(0, COMPARED_CHARS));
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
