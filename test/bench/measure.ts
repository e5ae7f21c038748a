/** The median. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The duration of `work`, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** One row of the table. `goal`: the limit of the ratio or the figure; `met`: whether it was kept; null: no goal. */
export type Row = { what: string; figure: string; floor: string; ratio: string; goal: string; met: boolean | null };

/** Prints the rows as a table in Markdown. */
export function printTable(rows: Row[]): void {
  const head = ['what', 'figure', 'floor', 'ratio', 'goal', ''];
  const cells = rows.map((row) => [
    row.what,
    row.figure,
    row.floor,
    row.ratio,
    row.goal,
    row.met === null ? '' : row.met ? 'met' : 'MISSED',
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)));
  const line = (parts: string[]) => `| ${parts.map((part, column) => part.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  console.log(line(head));
  console.log(line(widths.map((width) => '-'.repeat(width))));
  for (const row of cells) console.log(line(row));
}

/** The row of a duration in milliseconds, with goals for itself and for its ratio to the floor. */
export function atMost(what: string, took_ms: number, floor_ms: number, goal: { ms?: number; ratio?: number }): Row {
  const ratio = took_ms / floor_ms;
  const { ms: ms_max = Infinity, ratio: ratio_max = Infinity } = goal;
  const goals = [ms_max < Infinity ? `≤ ${ms(ms_max)}` : '', ratio_max < Infinity ? `≤ ${times(ratio_max)}` : ''];
  const text = goals.filter(Boolean).join(', ');
  const met = text === '' ? null : took_ms <= ms_max && ratio <= ratio_max;
  return { what, figure: ms(took_ms), floor: ms(floor_ms), ratio: times(ratio), goal: text, met };
}

export const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
export const times = (value: number): string => `${value.toFixed(2)}×`;
export const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MB`;
export const perSecond = (rate: number): string => `${Math.round(rate).toLocaleString('en')}/s`;
