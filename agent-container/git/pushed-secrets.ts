import { StringDecoder } from 'node:string_decoder';
import type { Git } from './git.ts';
import { revisions } from './known-commits.ts';
import { LinePieces } from './line-pieces.ts';
import type { FoundSecret, SecretSearch } from './secret-search.ts';

/** A secret in what a push would add. `where` names the line, and the commit if it is not the last; `file` neither. */
export type SecretFinding = FoundSecret & { where: string; file: string };

const FINDINGS_MAX = 50;
const TIME_LIMIT_MS = 300_000;

/**
 * The secrets in the lines and messages that a push of `commit` adds to what the remote has (`not`): in every commit of
 * it, since each would be public.
 */
export async function findSecrets(
  own: Git,
  commit: string,
  { not, secrets }: { not: string[]; secrets: SecretSearch },
): Promise<SecretFinding[]> {
  const scan = new AddedLines(commit, secrets);
  const decoder = new StringDecoder('utf8');
  const format = ['-p', '--cc', '-U0', '--root', '--text', '--no-renames', '--format=%x00%H%n%B%n%x00'];
  const plain = ['--no-ext-diff', '--no-textconv', '--no-color', '--no-show-signature', '--no-mailmap'];
  const args = ['log', ...format, ...plain, '--src-prefix=a/', '--dst-prefix=b/', '--stdin'];
  const onStdout = (chunk: Buffer) => scan.push(decoder.write(chunk));
  await own.run(args, { input: revisions(commit, not), time_limit_ms: TIME_LIMIT_MS, onStdout });
  scan.end();
  return [...scan.findings, ...scan.perhaps_public];
}

/** Reads the output of `git log -p`, and looks for secrets in the added lines and the messages. */
class AddedLines {
  readonly findings: SecretFinding[] = [];
  /** However many there are, they hide no other. */
  readonly perhaps_public: SecretFinding[] = [];
  readonly #tip: string;
  readonly #secrets: SecretSearch;
  readonly #seen = new Set<string>();
  readonly #pieces = new LinePieces((text, is_continued) => this.#take(text, is_continued));
  /** Whether further pieces of the line are to be looked at too. */
  #is_looked_at = false;
  #commit = '';
  #path = '';
  #line = 0;
  #parents = 1;
  #state: 'message' | 'head' | 'hunk' = 'head';

  constructor(tip: string, secrets: SecretSearch) {
    this.#tip = tip;
    this.#secrets = secrets;
  }

  push(text: string): void {
    this.#pieces.push(text);
  }

  #take(text: string, is_continued: boolean): void {
    if (!is_continued) this.#is_looked_at = this.#read(text);
    else if (this.#is_looked_at) this.#look(text);
  }

  end(): void {
    this.#pieces.end();
  }

  /** Returns whether a piece that continues the line is to be looked at too. */
  #read(line: string): boolean {
    if (line.startsWith('\0')) {
      if (line.length > 1) this.#commit = line.slice(1);
      this.#state = line.length > 1 ? 'message' : 'head';
      return false;
    }
    if (this.#state === 'message') {
      this.#look(line);
      return true;
    }
    if (line.startsWith('diff --')) this.#beginFile();
    else if (line.startsWith('@@')) this.#beginHunk(line);
    else if (this.#state === 'head') this.#readHead(line);
    else return this.#readChange(line);
    return false;
  }

  #beginFile(): void {
    this.#state = 'head';
    this.#path = '';
    this.#line = 0;
  }

  #readHead(line: string): void {
    const path = /^\+\+\+ "?b\/(.*?)"?\t?$/.exec(line)?.[1];
    if (path === undefined) return;
    this.#path = path;
    this.#line = 0;
    this.#look(path);
  }

  /** A merge has a mark and a column for each parent. */
  #beginHunk(line: string): void {
    this.#state = 'hunk';
    this.#parents = (/^@+/.exec(line)?.[0].length ?? 2) - 1;
    this.#line = Number(/\+(\d+)/.exec(line)?.[1] ?? 1) - 1;
  }

  /** Returns whether the line was added. */
  #readChange(line: string): boolean {
    const marks = line.slice(0, this.#parents);
    if (marks.includes('-') || marks.startsWith('\\')) return false;
    this.#line++;
    const is_added = marks.includes('+');
    if (is_added) this.#look(line.slice(this.#parents));
    return is_added;
  }

  #look(text: string): void {
    if (this.findings.length >= FINDINGS_MAX) return;
    for (const found of this.#secrets.in(text)) {
      const where = this.#where();
      const list = found.may_be_public ? this.perhaps_public : this.findings;
      if (list.length >= FINDINGS_MAX || this.#seen.has(`${found.what} ${where}`)) continue;
      this.#seen.add(`${found.what} ${where}`);
      list.push({ ...found, where, file: this.#file() });
    }
  }

  #file(): string {
    if (this.#state === 'message') return 'the message of a commit';
    return this.#line === 0 ? `the name of ${this.#path}` : this.#path;
  }

  #where(): string {
    const commit = this.#commit.slice(0, 12);
    if (this.#state === 'message') return `the message of the commit ${commit}`;
    const place = this.#line === 0 ? this.#file() : `${this.#path}:${this.#line}`;
    return this.#commit === this.#tip ? place : `${place} in the commit ${commit}`;
  }
}
