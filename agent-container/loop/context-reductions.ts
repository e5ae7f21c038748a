import type { ModelResponse } from '../model/response.ts';
import type { RecordEvent } from './transcript.ts';

const DETAIL_CHARS_MAX = 2_000;

/** Reports how the API shortened the context. */
export class ContextReductions {
  readonly #record: RecordEvent;
  #last_cleared = '';

  constructor(record: RecordEvent) {
    this.#record = record;
  }

  async report(turn: number, reductions: ModelResponse['reductions']): Promise<void> {
    for (const { means, detail } of reductions) {
      // The API leaves the same results out of each request: only a change is reported.
      if (means === 'clear_tool_uses' && detail === this.#last_cleared) continue;
      if (means === 'clear_tool_uses') this.#last_cleared = detail;
      const body = { turn, means, detail: detail.slice(0, DETAIL_CHARS_MAX) };
      await this.#record({ type: 'context.reduced', body });
    }
  }
}
