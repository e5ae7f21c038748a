import type { Draft } from '../../client/errand/drafts.ts';
import type { Item } from '../../client/errand/items.ts';

/** An open errand as it is drawn. `loaded`: its log has been read to the end once, or cannot be reached now. */
export type OpenErrand = {
  items: readonly Item[];
  drafts: readonly Draft[];
  loaded: boolean;
  /** The server does not have it. */
  gone: boolean;
  /** The server could not be asked. It is asked again once it can be reached. */
  failed: boolean;
  /** Whether the first row is the first of all. */
  has_beginning: boolean;
};
/** One of which nothing is known yet. */
export const NOTHING: OpenErrand = {
  items: [],
  drafts: [],
  loaded: false,
  gone: false,
  failed: false,
  has_beginning: false,
};
