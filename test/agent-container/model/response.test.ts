import type { BetaMessage } from '@anthropic-ai/sdk/resources/beta/messages/messages';
import test from 'ava';
import { toModelResponse } from '../../../agent-container/model/response.ts';
import { NumberedEvent } from '../../../protocol/events.ts';

test('the names that an answer gives fit in its event, however long they are', (t) => {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = { model: 'm'.repeat(300), content: [], stop_reason: 'end_turn', stop_details: null, usage };
  const headers = new Headers({ 'request-id': 'r'.repeat(300) });
  const answer = toModelResponse(message as unknown as BetaMessage, headers);
  const { model, content, stop_reason, usage: counted, request_id } = answer;
  const body = { turn: 1, ref: 'r', model, content, stop_reason, usage: counted, request_id, duration_ms: 1 };
  const event = { seq: 1, at: new Date().toISOString(), type: 'turn.finished', body };
  t.is(NumberedEvent.safeParse(event).error, undefined);
});
