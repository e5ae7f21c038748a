import { ForgeApiError } from './forge-api-error.ts';

/** A text has up to 65,536 characters, in JSON up to 6 bytes each: this many fit into the limit of an answer. */
const LONG_PAGE_ITEMS = 20;

/** Reads pages that are as long as the forge gives them, and shorter ones where texts are long. */
export async function inPages<T>(page_items: number, read: (page_items: number) => Promise<T>): Promise<T> {
  try {
    return await read(page_items);
  } catch (error) {
    if (!(error instanceof ForgeApiError && error.malformed)) throw error;
    return read(LONG_PAGE_ITEMS);
  }
}
