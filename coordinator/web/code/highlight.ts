import { scriptUrl } from '../store/script-url.ts';
import { languageOf } from './languages.ts';
import type { HighlightAnswer, HighlightRequest, Piece } from './pieces.ts';

/** Longer code is left without colours. */
const CHARS_MAX = 200_000;
/** How much may wait at the same time; the rest is left without colours. */
const WAITING_MAX = 64;

const waiting = new Map<number, (lines: Piece[][] | undefined) => void>();
let worker: Worker | undefined;
let last_id = 0;

/**
 * Colours code in a worker. `name`: the file's name, or a language. Resolves with the pieces of each line; undefined:
 * it stays without colours.
 */
export async function highlight(name: string, text: string): Promise<readonly Piece[][] | undefined> {
  const language = languageOf(name);
  if (language === undefined || text.length > CHARS_MAX || waiting.size >= WAITING_MAX) return undefined;
  worker ??= start();
  const id = ++last_id;
  const { promise, resolve } = Promise.withResolvers<Piece[][] | undefined>();
  waiting.set(id, resolve);
  worker.postMessage({ id, language, text } satisfies HighlightRequest);
  return promise;
}

function start(): Worker {
  const started = new Worker(scriptUrl('highlighter'));
  started.addEventListener('message', ({ data: { id, lines } }: MessageEvent<HighlightAnswer>) => {
    waiting.get(id)?.(lines);
    waiting.delete(id);
  });
  // It cannot be loaded, or one of the texts was too much for it: everything that waits stays without colours.
  started.addEventListener('error', () => {
    started.terminate();
    worker = undefined;
    for (const resolve of waiting.values()) resolve(undefined);
    waiting.clear();
  });
  return started;
}
