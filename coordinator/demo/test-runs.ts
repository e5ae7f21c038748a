import type { Conversation, ToolCall } from './conversation.ts';

/** The command that runs the sample's tests. */
export const TEST_COMMAND = 'npm test';

/** The end of a test's output is read: what failed is there. */
const OUTPUT_CHARS_MAX = 5_000;

/** The completed runs of the tests, oldest first. */
export function testRuns(c: Conversation): ToolCall[] {
  return c.calls.filter(({ name, input, output }) => {
    if (name !== 'run_command' || input['command'] !== TEST_COMMAND) return false;
    return /^\W*(?:tests|pass) \d+/m.test(output.slice(-OUTPUT_CHARS_MAX));
  });
}

/** Whether the tests were run after the last edit of this file. */
export function testsRunSince(c: Conversation, path: string): boolean {
  const edited = c.calls.findLastIndex(({ name, input }) => name === 'edit_file' && input['path'] === path);
  return testRuns(c).some((run) => c.calls.indexOf(run) > edited);
}

/** The first failing test in the output of `node --test`; undefined if all passed. */
export function failureOf(whole: string): { name: string; path: string; message: string } | undefined {
  const output = whole.slice(-OUTPUT_CHARS_MAX);
  if (/^\W*fail 0\b/m.test(output)) return undefined;
  const path = /\b((?:[\w-]+\/)+[\w.-]+\.test\.[cm]?js)\b/.exec(output)?.[1];
  const name = /^\s*(?:\u2716|not ok \d+ -) (?!failing tests)(.+?)(?: \(.*\))?$/m.exec(output)?.[1];
  if (path === undefined || name === undefined) return undefined;
  const [expected, actual] = ['expected', 'actual'].map(
    (key) => new RegExp(`^\\s*${key}: (.*?),?$`, 'm').exec(output)?.[1],
  );
  const message = expected && actual ? `The test expects ${expected} and gets ${actual}.` : '';
  return { name, path: path.slice(path.lastIndexOf('test/')), message };
}

/** The file that a test imports from its parent folder. */
export function testedFile(test: string): string | undefined {
  return /from '\.\.\/([\w./-]+)'/.exec(test)?.[1];
}
