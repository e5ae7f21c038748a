import { ErrandError } from '../../../protocol/problem.ts';
import { Effort } from '../../../protocol/task.ts';
import { job } from '../../base/threads.ts';
import { FIELDS as COUNTED_FIELDS } from './count-tokens.ts';
import { compactsFrom, estimateInput, type InputEstimate } from './estimate-input.ts';
import { toPrompt, type Prompt } from './known-prefix.ts';
import { allBlocks, parseBody, type RequestBody } from './request-body.ts';
import { scan, type Span } from './scan.ts';

/*
 * The features of the Claude API that a task may use. Any process in the untrusted container can send requests, so
 * this is an allow-list. Other features could fetch or store data on the vendor's servers, outside the forward proxy's
 * control, or have costs that the meter does not know.
 */

/** The characters of a name that a refusal repeats. */
const NAME_CHARS_MAX = 200;

const names = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Whether the last four are accepted depends on the model; the API checks them. */
const FIELDS = names(
  `model max_tokens messages system tools tool_choice stream stop_sequences metadata thinking output_config cache_control
   context_management compaction diagnostics temperature top_p top_k output_format`,
);
const BLOCK_TYPES = names(
  `text image document search_result thinking redacted_thinking tool_use tool_result tool_reference compaction`,
);
/** The tools that the caller runs itself. */
const TOOLS = /^(custom|(bash|text_editor|memory)_\d{8})$/;
const SOURCE_TYPES = new Set(['base64', 'text', 'content']);
const EDITS = /^(clear_tool_uses|clear_thinking|compact)_\d{8}$/;

/**
 * An allowed request: what the proxy needs of it. Another thread may have read it, so that nothing here is as large as
 * a body may be.
 */
export type LlmRequest = {
  model: string;
  /** Null: it names none that is known here. */
  effort: Effort | null;
  /** Undefined for a request that only counts tokens. */
  max_tokens: number | undefined;
  /** The position of the value of `max_tokens` in the body. */
  max_tokens_at: Span | undefined;
  /** The positions of the fields that a request to count its tokens has too. */
  counted_at: Span[];
};

/**
 * Parses a request body and checks it against the policy. Throws `invalid` where it is malformed, and `forbidden` for
 * a feature that is not allowed.
 */
export function readRequest(raw: Buffer): { request: LlmRequest; body: RequestBody } {
  const body = parseBody(raw);
  const { duplicate, span, members } = scan(raw, 'max_tokens');
  if (duplicate !== undefined)
    throw new ErrandError('invalid', `${cut(duplicate)}: the key appears twice in one object.`);
  for (const field of Object.keys(body)) if (!FIELDS.has(field)) refuse(`the field '${field}'`);
  for (const { type } of body.tools ?? [])
    if (!TOOLS.test(type ?? 'custom')) refuse(`the tool '${type ?? ''}', which runs outside the container`);
  for (const { type } of body.context_management?.edits ?? [])
    if (!EDITS.test(type)) refuse(`context edits of type '${type}'`);
  for (const content of [body.system, ...body.messages.map((message) => message.content)]) checkContent(content);
  const effort = Effort.safeParse(body.output_config?.effort).data ?? null;
  const counted_at = members.filter(({ key }) => COUNTED_FIELDS.has(key)).map(({ start, end }) => ({ start, end }));
  const { model, max_tokens } = body;
  return { request: { model, effort, max_tokens, max_tokens_at: span, counted_at }, body };
}

/**
 * An allowed request, with what takes long to compute from its whole text: the bound and the digests of its prompt.
 * `compacts_from`: see `compactsFrom`.
 */
export type BoundedRequest = LlmRequest & { bound: InputEstimate; compacts_from: number; prompt: Prompt };

/** Reads, checks and measures a request, for `BodyReader`. */
export const REQUEST = job('coordinator/worker-api/model/policy.ts', 'REQUEST', (raw: Buffer): BoundedRequest => {
  const { request, body } = readRequest(raw);
  return { ...request, bound: estimateInput(body), compacts_from: compactsFrom(body), prompt: toPrompt(body) };
});

/** The body of a request to count the tokens of a request with this body. */
export function toCountBody(raw: Buffer, counted_at: Span[]): Buffer {
  const fields = counted_at.flatMap(({ start, end }, i) => [
    Buffer.from(i === 0 ? '{' : ','),
    raw.subarray(start, end),
  ]);
  return Buffer.concat([...fields, Buffer.from('}')]);
}

/** Replaces the value of `max_tokens` in the body, and changes no other byte. */
export function withMaxTokens(raw: Buffer, at: Span, max_tokens: number): Buffer {
  return Buffer.concat([raw.subarray(0, at.start), Buffer.from(String(max_tokens)), raw.subarray(at.end)]);
}

function checkContent(content: unknown): void {
  for (const { block, source } of allBlocks(content)) {
    if (!BLOCK_TYPES.has(block.type)) refuse(`a block of type '${block.type}'`);
    if (source && !SOURCE_TYPES.has(source.type)) refuse(`a source of type '${source.type}'`);
  }
}

function refuse(what: string): never {
  throw new ErrandError('forbidden', `Tasks on this server may not use ${cut(what)}.`);
}

/** A name in a request may be as long as its body. */
function cut(name: string): string {
  return name.length > NAME_CHARS_MAX ? `${name.slice(0, NAME_CHARS_MAX)}…` : name;
}
