import { dueMinutes } from './wall-minutes.ts';
import type { Simulated, Year } from './year.ts';

/** One row of the table: the due times of a schedule, and what became of them. */
export type Row = {
  zone: string;
  cron: string;
  due: number;
  runs: number;
  errands: number;
  tasks: number;
  reasons: Record<string, number>;
  /** Due times without a run, runs without a due time, and due times with more than one. */
  lost: string[];
  extra: string[];
  doubled: number;
};

/** Compares the runs of a simulated year with the due times that were counted minute by minute. */
export function reportOf({ from, to, schedules }: Year): Row[] {
  return schedules.map((schedule) => rowOf(schedule, from, to));
}

function rowOf({ cron, zone, runs, tasks }: Simulated, from: number, to: number): Row {
  const due = dueMinutes(cron, zone, from, to).map((at) => new Date(at).toISOString());
  const had = new Set(runs.map(({ due_at }) => due_at));
  const expected = new Set(due);
  const errands = runs.flatMap(({ task_id }) => task_id ?? []);
  const reasons: Record<string, number> = {};
  for (const { reason } of runs) if (reason !== null) reasons[reason] = (reasons[reason] ?? 0) + 1;
  return {
    zone: zone.name,
    cron,
    due: due.length,
    runs: runs.length,
    errands: errands.length,
    tasks,
    reasons,
    lost: due.filter((at) => !had.has(at)),
    extra: [...had].filter((at) => !expected.has(at)),
    doubled: runs.length - had.size + errands.length - new Set(errands).size + Math.abs(tasks - errands.length),
  };
}

/** The table as text. */
export function tableOf(rows: readonly Row[]): string {
  const reasons = [...new Set(rows.flatMap((row) => Object.keys(row.reasons)))].sort();
  const head = ['zone', 'cron', 'due', 'errands', ...reasons, 'lost', 'extra', 'doubled'];
  const lines = rows.map((row) => [
    row.zone,
    row.cron,
    row.due,
    row.errands,
    ...reasons.map((reason) => row.reasons[reason] ?? 0),
    row.lost.length,
    row.extra.length,
    row.doubled,
  ]);
  const cells = [head, ...lines].map((line) => line.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
