import { stripVTControlCharacters } from 'node:util';
import { job } from '../../base/threads.ts';
import { UNSEEN } from '../../../protocol/unseen.ts';
import { withoutEnd } from '../forge-text.ts';

/** How much a line says about why a job failed. */
const WEIGHTS: readonly [weight: number, pattern: RegExp][] = [
  // A runner's own verdict comes last and seldom has the reason.
  [1, /^##\[error\](?:Process completed with exit code|The operation was canceled)/],
  [4, /^##\[error\]/],
  // Compilers and linters: file, line, what.
  [4, /^\S+\.[a-z]{1,5}[:(]\d+(?:[:,]\d+)?\)?:? (?:error|fatal)\b|\berror(?:\[E\d+\]| TS\d+):/i],
  [4, /^\S+\.go:\d+:\d+: /],
  // pytest, unittest
  [4, /^E {2,}\S|^(?:FAILED|ERROR) \S+(?:::| - )/],
  [3, /^=+ (?:FAILURES|ERRORS|short test summary info) =+$|^_{3,} .+ _{3,}$|^Traceback \(most recent call last\)/],
  // go test
  [4, /^\s*--- FAIL: |^panic: |^\s+\S+_test\.go:\d+: /],
  [2, /^FAIL\b/],
  // Gradle, Maven, the JVM
  [4, /^\* What went wrong:|^> Task \S+ FAILED|^\S.* > .* FAILED$|^e: |^\[ERROR\] /],
  [3, /^\s*Caused by: |^\s*(?:[\w$]+\.)+[A-Z]\w*(?:Exception|Error)\b|^BUILD FAILED/],
  // Runners of tests in JavaScript, TAP, cargo
  [
    4,
    /^\s*\u25CF .+|^\s*[\u2716\u2718\u2717\u00D7] .+|^not ok \d+|^\s*(?:Assertion)?Error: |^---- .+ stdout ----|^thread '.*' panicked at/,
  ],
  [3, /^npm (?:ERR!|error) (?!A complete log|.*debug-\d)/],
  [1, /^npm (?:ERR!|error)/],
  [2, /\b(?:error|fatal|failed|failure|exception|panic(?:ked)?|segmentation fault|cannot find|undefined reference)\b/i],
];

/** What is kept around a line that says something, and at the end. */
const BEFORE_LINES = 2;
const AFTER_LINES = 8;
const TAIL_LINES = 6;
const LINE_CHARS_MAX = 400;
/** A log this short is kept whole, if it fits. */
const SHORT_LINES = 60;
/** Of a longer log the end is read. */
const LOG_CHARS_MAX = 4_000_000;

/** Cuts the log of a failed job as `cutLog` does. It looks at each line: for a thread. */
export const CUT_LOG = job('coordinator/forge/intake/cut-log.ts', 'CUT_LOG', (log: Buffer, chars_max: number) =>
  cutLog(log.toString('utf8'), chars_max),
);

/**
 * Cuts the log of a failed job to what says why it failed, in its order: errors and failed tests with some lines around
 * them, and the end. What was left out is marked. The result has at most `chars_max` characters, which is 200 or more.
 */
export function cutLog(log: string, chars_max: number): string {
  const lines = readLines(log.slice(-LOG_CHARS_MAX));
  const kept = new Set<number>();
  let chars = 0;
  const keep = (i: number): boolean => {
    const line = lines[i];
    if (line === undefined || kept.has(i)) return true;
    // Each kept line may need a mark beside it.
    const cost = line.length + 1 + MARK_CHARS;
    if (chars + cost > chars_max) return false;
    kept.add(i);
    chars += cost;
    return true;
  };
  for (let i = lines.length - 1; i >= lines.length - TAIL_LINES && keep(i); i -= 1);
  const telling = byWeight(lines);
  for (const i of telling) {
    if (!keep(i)) break;
    for (let near = i + 1; near <= i + AFTER_LINES && keep(near); near += 1);
    for (let near = i - 1; near >= i - BEFORE_LINES && keep(near); near -= 1);
  }
  // Nothing says why, or there is not much: the end says most.
  if (telling.length === 0 || lines.length <= SHORT_LINES) for (let i = lines.length - 1; i >= 0 && keep(i); i -= 1);
  return join(lines, kept);
}

/** The lines that say something, those that say most first, each text once. */
function byWeight(lines: readonly string[]): number[] {
  const seen = new Set<string>();
  const found: { i: number; weight: number }[] = [];
  for (const [i, line] of lines.entries()) {
    const weight = WEIGHTS.find(([, pattern]) => pattern.test(line))?.[0];
    if (weight === undefined || seen.has(line)) continue;
    seen.add(line);
    found.push({ i, weight });
  }
  return found.sort((a, b) => b.weight - a.weight || a.i - b.i).map(({ i }) => i);
}

const MARK_CHARS = 30;

function join(lines: readonly string[], kept: ReadonlySet<number>): string {
  const out: string[] = [];
  let left_out = 0;
  const mark = () => {
    if (left_out > 0) out.push(`[${left_out} lines left out]`);
    left_out = 0;
  };
  for (const [i, line] of lines.entries()) {
    if (!kept.has(i)) {
      left_out += 1;
      continue;
    }
    mark();
    out.push(line);
  }
  mark();
  return out.join('\n');
}

/** Lines as a person reads them: without colours, times, progress bars, and the commands that a runner echoes. */
function readLines(log: string): string[] {
  const lines = stripVTControlCharacters(log)
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => withoutEnd(line, /\r/).replace(/^[^\n]*\r/, ''))
    .map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ?/, '').trimEnd())
    .map((line) => line.replaceAll(UNSEEN, ''))
    .map((line) => (line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX - 1)}…` : line));
  while (lines.at(-1) === '') lines.pop();
  return lines;
}
