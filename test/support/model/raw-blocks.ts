/** The frames of a stream with further blocks at the end of its content, which may hold anything. */
export function* withRawBlocks(
  frames: Iterable<string>,
  blocks: readonly unknown[],
  stop_reason?: string,
): Generator<string> {
  let index = 0;
  for (const each of frames) {
    if (each.startsWith('event: content_block_start')) index++;
    if (!each.startsWith('event: message_delta')) {
      yield each;
      continue;
    }
    for (const block of blocks) yield* framesOf(block, index++);
    yield stop_reason === undefined
      ? each
      : each.replace(/"stop_reason":"[a-z_]*"/, `"stop_reason":${JSON.stringify(stop_reason)}`);
  }
}

function* framesOf(block: unknown, index: number): Generator<string> {
  const is_call = typeof block === 'object' && block !== null && 'input' in block;
  // The input of a call comes as text, which the SDK parses.
  const start = is_call ? { ...block, input: {} } : block;
  yield frame({ type: 'content_block_start', index, content_block: start });
  if (is_call) {
    const delta = { type: 'input_json_delta', partial_json: JSON.stringify(block.input) };
    yield frame({ type: 'content_block_delta', index, delta });
  }
  yield frame({ type: 'content_block_stop', index });
}

const frame = (event: { type: string; [field: string]: unknown }): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
