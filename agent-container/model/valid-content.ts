import { z } from 'zod';
import type { ContentBlock } from './message.ts';

/*
 * The API refuses a whole conversation for one bad block in it, and its own models write such blocks. What they write
 * is made valid here before it becomes part of a conversation. What is valid already stays as it is, byte for byte.
 */

/** As the contract bounds the name and the reference of a call. The API allows more. */
const NAME_CHARS_MAX = 64;
const ID_CHARS_MAX = 64;
/** A tool's input is stored in an event, which may be nested this deep in all. */
const INPUT_DEPTH_MAX = 90;
/** Takes the place of a name that is no text, or has no usable character. */
const UNNAMED = 'unnamed';
const NO_TEXT = '(no output)';
/** Text that shows nothing. The API's idea of white space includes some control characters. */
const BLANK = /^[\s\p{Cc}\p{Cf}]*$/u;

/** The fields of an answer's blocks that the API takes back. It refuses others, though its own answer had them. */
const FIELDS: Record<string, readonly string[]> = {
  text: ['text', 'citations'],
  tool_use: ['id', 'name', 'input', 'caller'],
  thinking: ['thinking', 'signature'],
  redacted_thinking: ['data'],
  compaction: ['content', 'encrypted_content', 'signature', 'tool_changes'],
};
const Caller = z.strictObject({ type: z.string() });

/**
 * The content of an answer as the API takes it back. A block that cannot be repaired is left out; the result may be
 * empty. `used_ids`: the ids of all earlier calls; `turn` names calls whose own id is not valid.
 */
export function validAnswer(content: readonly unknown[], used_ids: ReadonlySet<string>, turn: number): ContentBlock[] {
  const ids = new Set(used_ids);
  const blocks = content.flatMap((block, index) => validBlock(block, { ids, fallback: `call_${turn}_${index}` }) ?? []);
  // The API refuses an answer that ends in thinking.
  return blocks.slice(0, blocks.findLastIndex(({ type }) => !type.endsWith('thinking')) + 1);
}

/** The content of a tool's result as the API takes it: never empty, and only texts, images and documents. */
export function validResult(content: readonly ContentBlock[]): ContentBlock[] {
  const blocks = content.flatMap((block) => {
    if (block.type === 'image' || block.type === 'document') return [block];
    const text = block.type === 'text' ? validText(block) : null;
    return text === null ? [] : [text];
  });
  return blocks.length > 0 ? blocks : [{ type: 'text', text: NO_TEXT }];
}

/** Text that the API takes in a message of the user. */
export const validInput = (text: string): string => (BLANK.test(text) ? '(an empty message)' : text.toWellFormed());

type Naming = { ids: Set<string>; fallback: string };

function validBlock(block: unknown, naming: Naming): ContentBlock | null {
  if (!isObject(block) || typeof block['type'] !== 'string') return null;
  const typed = withKnownFields({ ...block, type: block['type'] });
  switch (typed.type) {
    case 'text':
      return validText(typed);
    case 'tool_use':
      return validCall(typed, naming);
    // Thinking is signed: it is kept as it is, or not at all.
    case 'thinking':
      return isSigned(typed['thinking'], typed['signature']) ? typed : null;
    case 'redacted_thinking':
      return isSigned('', typed['data']) ? typed : null;
    case 'compaction':
      return typed['content'] === null || (isWellFormed(typed['content']) && typed['content'] !== '') ? typed : null;
    default:
      return null;
  }
}

/** The block with only the fields that the API takes back, in their order. */
function withKnownFields(block: ContentBlock): ContentBlock {
  const known = ['type', ...(FIELDS[block.type] ?? [])];
  const kept = Object.entries(block).filter(([key, value]) => {
    // No document with citations was sent.
    if (key === 'citations') return value === null;
    if (key === 'caller') return Caller.safeParse(value).success;
    return known.includes(key);
  });
  return { ...Object.fromEntries(kept), type: block.type };
}

const isSigned = (thinking: unknown, signature: unknown): boolean =>
  isWellFormed(thinking) && typeof signature === 'string' && signature !== '';

const isWellFormed = (value: unknown): value is string => typeof value === 'string' && value.isWellFormed();

function validText(block: ContentBlock): ContentBlock | null {
  const { text } = block;
  if (typeof text !== 'string' || BLANK.test(text)) return null;
  return text.isWellFormed() ? block : { ...block, text: text.toWellFormed() };
}

function validCall(block: ContentBlock, { ids, fallback }: Naming): ContentBlock {
  const { id, name, input } = block;
  const valid_id = typeof id === 'string' && isName(id, ID_CHARS_MAX) && !ids.has(id) ? id : unused(fallback, ids);
  ids.add(valid_id);
  const valid_name = typeof name === 'string' ? validName(name) : UNNAMED;
  const valid_input = validInputOf(input);
  if (valid_id === id && valid_name === name && valid_input === input) return block;
  return { ...block, id: valid_id, name: valid_name, input: valid_input };
}

const isName = (text: string, chars_max: number): boolean => text.length <= chars_max && /^[a-zA-Z0-9_-]+$/.test(text);

function validName(name: string): string {
  if (isName(name, NAME_CHARS_MAX)) return name;
  return name.replace(/[^a-zA-Z0-9_-]+/g, '_').slice(0, NAME_CHARS_MAX) || UNNAMED;
}

function unused(id: string, ids: ReadonlySet<string>): string {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? id : `${id}_${n}`;
    if (!ids.has(candidate)) return candidate;
  }
}

/** An input must be an object. Another value is kept inside of one, so that the model sees what it sent. */
function validInputOf(input: unknown): unknown {
  return repaired(isObject(input) ? input : { value: input ?? null }, INPUT_DEPTH_MAX);
}

/** The same value with well-formed strings, and not nested deeper than `depth`. What needs no change is not copied. */
function repaired(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '[nested too deeply]';
  if (Array.isArray(value)) {
    const items: unknown[] = value.map((item) => repaired(item, depth - 1));
    return items.every((item, i) => item === value[i]) ? value : items;
  }
  const entries = Object.entries(value);
  const repaired_entries = entries.map(([key, item]) => [key.toWellFormed(), repaired(item, depth - 1)] as const);
  const is_same = repaired_entries.every(([key, item], i) => key === entries[i]?.[0] && item === entries[i]?.[1]);
  return is_same ? value : Object.fromEntries(repaired_entries);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
