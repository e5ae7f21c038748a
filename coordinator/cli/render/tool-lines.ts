import { z } from 'zod';
import type { WorkerEvent } from '../../../protocol/events.ts';
import { shownToolName } from '../../client/errand/tool-name.ts';
import { duration } from './format.ts';
import { block, type Line } from './line.ts';
import { headAndTail, oneLine } from './text.ts';

type Body<T> = Extract<WorkerEvent, { type: T }>['body'];
type Call = { name: string; input: unknown };

/* The tool names are those of Errand's own agent. Tools of other agents are shown in full. */

/** Not shown: the plan and the question have their own events. */
const TOLD_ELSEWHERE = ['update_plan', 'ask_person'];
/** Read-only tools: only the number of lines is shown. */
const LOOKING = ['list_files', 'read_file', 'search'];
const Edit = z.object({ old_text: z.string(), new_text: z.string() });

/** How many lines of an output are shown: from its start, and from its end. */
const OUTPUT = { head: 2, tail: 6 };
const CHANGE = { head: 6, tail: 2 };
const INPUT_CHARS_MAX = 160;
/** The input fields that describe a call best, in order of preference. */
const TELLING = ['command', 'pattern', 'query', 'path', 'file_path', 'url', 'question', 'caption'];
const OPEN_CALLS_MAX = 100;
/** Shorter durations are not shown. */
const NOTABLE_MS = 1_000;

/** Shows each tool call once, directly above its result, also when calls run in parallel. */
export class ToolLines {
  readonly #open = new Map<string, Call>();
  /** The `ref` of the call that the last line of the log belongs to. */
  #newest: string | undefined;

  /** Called when other lines follow: the next result repeats its call. */
  leave(): void {
    this.#newest = undefined;
  }

  started({ ref, name, input }: Body<'tool.started'>): Line[] {
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size >= OPEN_CALLS_MAX) this.#open.delete(oldest);
    this.#open.set(ref, { name, input });
    if (TOLD_ELSEWHERE.includes(name) || LOOKING.includes(name)) return [];
    this.#newest = ref;
    return [callLine({ name, input })];
  }

  finished(body: Body<'tool.finished'>): Line[] {
    const { ref, name, is_error } = body;
    const call = this.#open.get(ref) ?? { name, input: {} };
    this.#open.delete(ref);
    if (TOLD_ELSEWHERE.includes(name) && !is_error) return [];
    const head = this.#newest === ref ? [] : [callLine(call)];
    this.#newest = undefined;
    if (LOOKING.includes(name) && !is_error) return [[...callLine(call), ['dim', `  ${linesIn(textOf(body))}`]]];
    const change = is_error ? undefined : changeLines(call);
    return [...head, ...(change ?? outputLines(textOf(body), is_error)), ...endLines(body)];
  }
}

/** The output of a command, shortened. */
export function outputLines(text: string, is_error = false): Line[] {
  const shown = text.replace(/^\s*\n/, '').trimEnd();
  return block(shown === '' ? [] : headAndTail(shown, OUTPUT.head, OUTPUT.tail), '  │ ', is_error ? 'red' : 'dim');
}

/** A tool and its input in one line. */
function callLine({ name, input }: Call): Line {
  const fields: Record<string, unknown> = typeof input === 'object' && input !== null ? { ...input } : {};
  const telling = TELLING.map((key) => fields[key]).filter((value) => typeof value === 'string');
  const rest = Object.keys(fields).length > 0 ? JSON.stringify(input) : '';
  const said = oneLine(telling.length > 0 ? telling.join(' ') : rest, INPUT_CHARS_MAX);
  return [['cyan', '▸ '], ['bold', shownToolName(name)], ...(said === '' ? [] : [` ${said}`])];
}

/** The removed and the added lines of an edit; undefined if the call is not an edit. */
function changeLines({ name, input }: Call): Line[] | undefined {
  const edit = name === 'edit_file' ? Edit.safeParse(input).data : undefined;
  if (!edit) return undefined;
  const [old_lines, new_lines] = [edit.old_text.split('\n'), edit.new_text.split('\n')];
  while (old_lines.length > 0 && old_lines[0] === new_lines[0]) void [old_lines.shift(), new_lines.shift()];
  while (old_lines.length > 0 && old_lines.at(-1) === new_lines.at(-1)) void [old_lines.pop(), new_lines.pop()];
  const marked = (lines: string[], mark: string) =>
    lines.length === 0 ? [] : headAndTail(lines.map((line) => mark + line).join('\n'), CHANGE.head, CHANGE.tail);
  return [...block(marked(old_lines, '- '), '  │ ', 'red'), ...block(marked(new_lines, '+ '), '  │ ', 'green')];
}

function endLines({ is_error, exit_code, duration_ms }: Body<'tool.finished'>): Line[] {
  const exit = typeof exit_code === 'number' ? `exit ${exit_code}` : undefined;
  const parts = [
    is_error ? 'failed' : undefined,
    exit,
    exit !== undefined || duration_ms >= NOTABLE_MS ? duration(duration_ms) : undefined,
  ].filter((part) => part !== undefined);
  if (parts.length === 0) return [];
  return [['  ', ['dim', '└ '], [is_error || (exit_code ?? 0) !== 0 ? 'red' : 'dim', parts.join(', ')]]];
}

/** The text of a result, without the line that repeats the exit code. */
function textOf({ content, exit_code }: Body<'tool.finished'>): string {
  const text = content.map((piece) => (typeof piece.text === 'string' ? piece.text : `[${piece.type}]`)).join('\n');
  return typeof exit_code === 'number' ? text.replace(/\n?\[exit code [^\n[\]]*\]\s*$/, '') : text;
}

function linesIn(text: string): string {
  const count = text.trim() === '' ? 0 : text.trimEnd().split('\n').length;
  return count === 1 ? '1 line' : `${count} lines`;
}
