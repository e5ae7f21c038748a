import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { ROWS_STEP, RowWindow } from './row-window.ts';

type Shown = {
  from: number;
  end: number;
  earlier: () => Promise<void>;
  later: () => Promise<void>;
  toBeginning: () => void;
};

/** Which rows are in the page, and how to move on. `load`: reads more in front of the first one, if there is more. */
export function useRowWindow(
  rows: readonly { readonly key: string }[],
  follows: boolean,
  load: (() => Promise<unknown>) | undefined,
): Shown {
  const shown = useRef(new RowWindow()).current;
  const moves = useSignal(0);
  // Each move draws anew.
  void moves.value;
  const { from, end } = shown.of(rows, follows);
  const earlier = async (): Promise<void> => {
    if (from < ROWS_STEP) await load?.();
    shown.earlier();
    moves.value++;
  };
  const later = async (): Promise<void> => {
    shown.later();
    moves.value++;
  };
  const toBeginning = (): void => {
    shown.toBeginning();
    moves.value++;
  };
  return { from, end, earlier, later, toBeginning };
}
