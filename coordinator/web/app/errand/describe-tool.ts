import type { ToolItem } from '../../../client/errand/items.ts';
import { shownToolName } from '../../../client/errand/tool-name.ts';
import { t } from '../../parts/speech.ts';

type Described = {
  verb: string;
  /** The one argument that matters. */
  argument: string;
  /** For an edit: the lines that it adds and removes. */
  change?: { insertions: number; deletions: number } | undefined;
  /** What else it was given, to be read when it is open. */
  input: string;
};

/** How a tool's call is shown. A tool of another agent shows its name and the first text of its input. */
export function describeTool({ name, input }: Pick<ToolItem, 'name' | 'input'>): Described {
  const given: Record<string, unknown> = isObject(input) ? input : {};
  const text = (key: string) => (typeof given[key] === 'string' ? given[key] : '');
  switch (name) {
    case 'run_command':
      return {
        verb: '',
        argument: oneLine(text('command')),
        input: text('command').includes('\n') ? text('command') : '',
      };
    case 'edit_file': {
      const [before, after] = [text('old_text'), text('new_text')];
      return { verb: t.tool.edit_file, argument: text('path'), change: countChange(before, after), input: '' };
    }
    case 'write_file': {
      const insertions = linesOf(text('content')).length;
      return {
        verb: t.tool.write_file,
        argument: text('path'),
        change: { insertions, deletions: 0 },
        input: text('content'),
      };
    }
    case 'read_file':
      return { verb: t.tool.read_file, argument: text('path'), input: '' };
    case 'list_files':
      return { verb: t.tool.list_files, argument: text('path') || '.', input: '' };
    case 'search':
      return {
        verb: t.tool.search,
        argument: [text('pattern'), text('path') || text('glob')].join(' ').trim(),
        input: '',
      };
    case 'stop_command':
      return { verb: t.tool.stop_command, argument: '', input: '' };
    default: {
      const first = Object.values(given).find((value) => typeof value === 'string');
      return {
        verb: shownToolName(name),
        argument: oneLine(typeof first === 'string' ? first : ''),
        input: JSON.stringify(input, null, 2) ?? '',
      };
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The lines between what both texts begin and end with. */
function countChange(before: string, after: string): { insertions: number; deletions: number } {
  const [old_lines, new_lines] = [linesOf(before), linesOf(after)];
  let [start, end] = [0, 0];
  const shortest = Math.min(old_lines.length, new_lines.length);
  while (start < shortest && old_lines[start] === new_lines[start]) start++;
  while (end < shortest - start && old_lines.at(-1 - end) === new_lines.at(-1 - end)) end++;
  return { insertions: new_lines.length - start - end, deletions: old_lines.length - start - end };
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function oneLine(text: string): string {
  const [first = '', ...rest] = text.trim().split('\n');
  return rest.length > 0 ? `${first} …` : first;
}
