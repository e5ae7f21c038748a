import { chosen } from '../../../protocol/without-schemas.ts';
import { FILE_FAULTS, type FileFault } from './kept-file.ts';

/** How much of what was shared was not taken, and why. */
export type LeftOut = { count: number; why: readonly FileFault[] };

/** The query of the address that a share leads to: that something was shared, and what was not taken, with why. */
export function writeShared(faults: readonly FileFault[]): string {
  const why = [...new Set(faults)].map((fault) => ['why', fault]);
  const left_out = faults.length === 0 ? [] : [['left_out', String(faults.length)], ...why];
  return `?${new URLSearchParams([['shared', '1'], ...left_out]).toString()}`;
}

/**
 * Reads what `writeShared` wrote of what was left out. Anybody can make such an address: what is not understood is left
 * out.
 */
export function readLeftOut(query: URLSearchParams): LeftOut | undefined {
  const [, count] = /^([1-9]\d{0,3})$/.exec(query.get('left_out') ?? '') ?? [];
  if (count === undefined) return undefined;
  return { count: Number(count), why: query.getAll('why').flatMap((why) => chosen(FILE_FAULTS, why) ?? []) };
}
