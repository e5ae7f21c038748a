import type * as virtualCore from '@tanstack/virtual-core';
import type { JSX } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef } from 'preact/hooks';
import { loadedScreens, loadScreens, type Screens } from '../lazy.ts';

/** A list of at most so many rows is drawn whole. */
const WHOLE_MAX = 150;
/** The height of a row before any was measured, in CSS pixels. */
const ROW_PX = 88;
/** Rows that are drawn above and below those on the screen. */
const BEYOND = 8;
/** A list that moves by more than this part of its height between two draws flies by: nobody can read it. */
const FLIES_BY = 0.25;

/** What draws the part of a list that is on the screen comes with the other screens. */
type Virtual = Pick<Screens, 'Virtualizer' | 'elementScroll' | 'observeElementOffset' | 'observeElementRect'>;

type ListProps<T> = {
  items: readonly T[];
  keyOf: (item: T) => string;
  /** Draws a row: a `li`, with the attributes that it gets. */
  row: (item: T, attributes: RowAttributes) => JSX.Element;
  /** Draws the little that shows of a row while the list flies by: a `li`, with the attributes that it gets. */
  glance: (item: T, attributes: RowAttributes) => JSX.Element;
};
/** What places a row in a long list. */
export type RowAttributes = {
  ref?: (element: HTMLLIElement | null) => void;
  'data-index'?: number;
  'aria-setsize'?: number;
  'aria-posinset'?: number;
  style?: { blockSize: string };
};

/**
 * A list of any length: of a long one only the rows near the screen are in the page. It scrolls with the nearest
 * `.body`.
 */
export function LongList<T>(props: ListProps<T>): JSX.Element {
  const is_long = props.items.length > WHOLE_MAX;
  useEffect(() => {
    // Without the part the first rows are shown; the next visit tries again.
    if (is_long) void loadScreens();
  }, [is_long]);
  const virtual = is_long ? loadedScreens() : undefined;
  const first_rows = useRef<HTMLUListElement>(null);
  if (virtual) {
    // Somebody may have scrolled the first rows, which are out of the page before the others are in it.
    const top = bodyOf(first_rows.current)?.scrollTop ?? 0;
    return <Window {...props} virtual={virtual} top={top} row_px={usualHeight(first_rows.current)} />;
  }
  return (
    <ul ref={first_rows} class="rows">
      {props.items.slice(0, WHOLE_MAX).map((item) => props.row(item, {}))}
    </ul>
  );
}

type Rows = virtualCore.Virtualizer<HTMLElement, HTMLLIElement>;

/** `top`: how far it is scrolled at first. `row_px`: the height of most rows, if that is known. */
type WindowProps<T> = ListProps<T> & { virtual: Virtual; top: number; row_px: number | undefined };

function Window<T>({ items, keyOf, row, glance, virtual, top, row_px }: WindowProps<T>): JSX.Element {
  const list = useRef<HTMLUListElement>(null);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const rows = useRef<Rows | undefined>(undefined);
  const usual_px = useRef(row_px);
  const options = {
    // The same function as long as the rows are the same: with another one all of them are laid out anew.
    getItemKey: useCallback((i: number) => keyOf(items[i] as T), [items]),
    count: items.length,
    getScrollElement: () => bodyOf(list.current),
    initialOffset: top,
    estimateSize: () => usual_px.current ?? ROW_PX,
    overscan: BEYOND,
    scrollMargin: list.current?.offsetTop ?? 0,
    scrollToFn: virtual.elementScroll,
    observeElementRect: virtual.observeElementRect,
    observeElementOffset: virtual.observeElementOffset,
    onChange: () => redraw(undefined),
  };
  rows.current ??= new virtual.Virtualizer<HTMLElement, HTMLLIElement>(options);
  const window = rows.current;
  window.setOptions({ ...window.options, ...options });
  useLayoutEffect(() => window._didMount(), [window]);
  useLayoutEffect(() => window._willUpdate());
  useLayoutEffect(() => {
    // A row of another height than estimated has all that follow it laid out anew. So most have to be as estimated.
    if (usual_px.current !== undefined) return;
    usual_px.current = usualHeight(list.current);
    if (usual_px.current !== undefined) window.measure();
  });
  const shown = window.getVirtualItems();
  const { scrollMargin } = window.options;
  const flies = useFlight(window);
  const drawn = useMemo(() => new Map<number, JSX.Element>(), [items, row]);
  const draw = ({ index, size }: virtualCore.VirtualItem): JSX.Element => {
    const item = items[index] as T;
    const place = { 'data-index': index, 'aria-setsize': items.length, 'aria-posinset': index + 1 };
    if (flies) return glance(item, { ...place, style: { blockSize: `${size}px` } });
    const node = row(item, { ...place, ref: window.measureElement });
    drawn.set(index, node);
    return node;
  };
  // A row that was on the page before is the same node: it is not drawn again.
  const nodes = shown.map((at) => drawn.get(at.index) ?? draw(at));
  for (const index of drawn.keys())
    if (index < (shown[0]?.index ?? 0) || index > (shown.at(-1)?.index ?? 0)) drawn.delete(index);
  const above = (shown[0]?.start ?? scrollMargin) - scrollMargin;
  const below = window.getTotalSize() - ((shown.at(-1)?.end ?? scrollMargin) - scrollMargin);
  return (
    <ul ref={list} class="rows long" style={{ paddingBlock: `${above}px ${below}px` }}>
      {nodes}
    </ul>
  );
}

function bodyOf(list: HTMLElement | null): HTMLElement | null {
  return list?.closest<HTMLElement>('.body') ?? null;
}

/**
 * Whether the list flies by. One jump is no flight: it comes from a key or from the screen's history, and somebody
 * reads where it ends. Once the list is slower, or has stood still for a moment, it is drawn whole again.
 */
function useFlight({ isScrolling, scrollOffset, scrollRect }: Rows): boolean {
  const last = useRef({ offset: 0, leaps: 0 });
  const offset = scrollOffset ?? 0;
  const moved = Math.abs(offset - last.current.offset);
  const leapt = moved > (scrollRect?.height ?? 0) * FLIES_BY;
  // A draw without a move is one for another reason, such as a row that is higher than estimated.
  const now = moved === 0 ? last.current.leaps : leapt ? last.current.leaps + 1 : 0;
  const leaps = isScrolling ? now : 0;
  useLayoutEffect(() => void (last.current = { offset, leaps }));
  return leaps > 1;
}

/** The height that most rows of a list have, in whole CSS pixels; undefined: it shows none yet. */
function usualHeight(list: HTMLElement | null): number | undefined {
  const counts = new Map<number, number>();
  for (const row of list?.querySelectorAll<HTMLElement>(':scope > li') ?? []) {
    const height = Math.round(row.getBoundingClientRect().height);
    counts.set(height, (counts.get(height) ?? 0) + 1);
  }
  const [usual] = [...counts].sort(([, a], [, b]) => b - a);
  return usual?.[0];
}
