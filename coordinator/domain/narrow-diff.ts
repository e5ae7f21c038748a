/** The unchanged lines around a change that git shows. */
const CONTEXT = 3;
const HEAD = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/;
/** What git takes for the beginning of a function, and how much of it it shows. */
const FUNCTION = /^[A-Za-z_$]/;
const FUNCTION_CHARS_MAX = 80;

/** `text`: with its sign, and with the mark of a missing line end below it. */
type Line = { text: string; old: number; new: number };

/** A unified diff with three lines around each change, as git makes it. What is no diff stays as it is. */
export function narrowDiff(diff: string): string {
  const lines = diff.split('\n');
  const narrow: string[] = [];
  for (let at = 0; at < lines.length;) {
    const head = HEAD.exec(lines[at] ?? '');
    const body = head && readBody(lines, at + 1, head);
    narrow.push(body ? hunksOf(body, head[5] ?? '') : (lines[at] ?? ''));
    at += 1 + (body ? body.reduce((sum, { text }) => sum + text.split('\n').length, 0) : 0);
  }
  return narrow.join('\n');
}

/** The lines of a hunk, with their numbers. Undefined: its lines are not those that its head announces. */
function readBody(lines: readonly string[], from: number, [, ...parts]: RegExpExecArray): Line[] | undefined {
  const [old_start, old_count, new_start, new_count] = parts.slice(0, 4).map((text) => Number(text ?? 1));
  if (old_start === undefined || new_start === undefined) return undefined;
  // A side without lines is said to begin at the line before.
  let [old, fresh] = [old_start + (old_count === 0 ? 1 : 0), new_start + (new_count === 0 ? 1 : 0)];
  const [old_end, new_end] = [old + (old_count ?? 1), fresh + (new_count ?? 1)];
  const body: Line[] = [];
  for (let at = from; old < old_end || fresh < new_end || lines[at]?.startsWith('\\'); at++) {
    const text = lines[at] ?? '';
    const last = body.at(-1);
    if (text.startsWith('\\') && last) {
      last.text += `\n${text}`;
      continue;
    }
    if (!/^[ +-]/.test(text)) return undefined;
    body.push({ text, old, new: fresh });
    if (text[0] !== '+') old++;
    if (text[0] !== '-') fresh++;
  }
  return body;
}

/** The hunks that are left of one, each with its head. `name`: of the function that the first one begins in. */
function hunksOf(body: readonly Line[], name: string): string {
  const kept = nearChanges(body);
  const out: string[] = [];
  let inside = name;
  body.forEach((line, i) => {
    if (kept.has(i)) {
      if (!kept.has(i - 1)) out.push(headOf(body.slice(i, endOfRun(kept, i)), inside));
      out.push(line.text);
    }
    inside = nameOf(line, inside);
  });
  return out.join('\n');
}

function nearChanges(body: readonly Line[]): Set<number> {
  const kept = new Set<number>();
  body.forEach(({ text }, i) => {
    if (text.startsWith(' ')) return;
    for (let at = Math.max(0, i - CONTEXT); at <= Math.min(body.length - 1, i + CONTEXT); at++) kept.add(at);
  });
  return kept;
}

function endOfRun(kept: ReadonlySet<number>, from: number): number {
  let end = from;
  while (kept.has(end)) end++;
  return end;
}

function headOf(hunk: readonly Line[], name: string): string {
  const side = (sign: '+' | '-', first: number): string => {
    const other = sign === '+' ? '-' : '+';
    const count = hunk.filter(({ text }) => !text.startsWith(other)).length;
    return `${sign}${count === 0 ? first - 1 : first}${count === 1 ? '' : `,${count}`}`;
  };
  const [first] = hunk;
  return `@@ ${side('-', first?.old ?? 1)} ${side('+', first?.new ?? 1)} @@${name === '' ? '' : ` ${name}`}`;
}

function nameOf({ text }: Line, before: string): string {
  const code = text.slice(1).split('\n')[0] ?? '';
  return !text.startsWith('+') && FUNCTION.test(code) ? code.slice(0, FUNCTION_CHARS_MAX).trimEnd() : before;
}
