import { chosen } from '../../../protocol/without-schemas.ts';
import { FILE_FAULTS, type FileFault } from './kept-file.ts';

/** How much of what was shared was not taken, and why. */
export type LeftOut = { count: number; why: readonly FileFault[] };

/** The query of the address that tells what was not taken, with why of each. */
export function writeLeftOut(faults: readonly FileFault[]): string {
  if (faults.length === 0) return '';
  const why = [...new Set(faults)].map((fault) => ['why', fault]);
  return `?${new URLSearchParams([['left_out', String(faults.length)], ...why]).toString()}`;
}

/** Reads what `writeLeftOut` wrote. Anybody can make such an address: what is not understood is left out. */
export function readLeftOut(query: URLSearchParams): LeftOut | undefined {
  const [, count] = /^([1-9]\d{0,3})$/.exec(query.get('left_out') ?? '') ?? [];
  if (count === undefined) return undefined;
  return { count: Number(count), why: query.getAll('why').flatMap((why) => chosen(FILE_FAULTS, why) ?? []) };
}
