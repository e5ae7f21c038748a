/* Colours code beside the page, so that reading a large file never holds up a touch. */
import type { HighlightAnswer, HighlightRequest } from '../code/pieces.ts';
import { readCode } from '../code/read-code.ts';

const scope = self as unknown as DedicatedWorkerGlobalScope;

scope.addEventListener('message', ({ data }: MessageEvent<HighlightRequest>) => {
  const { id, language, text } = data;
  scope.postMessage({ id, lines: readCode(language, text) } satisfies HighlightAnswer);
});
