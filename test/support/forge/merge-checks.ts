import { tryGit } from '../git-server.ts';

/** Asks git once whether two commits merge without a conflict: that never changes. */
export class MergeChecks {
  readonly #known = new Map<string, Promise<boolean>>();

  merges(bare: string, base: string, head: string): Promise<boolean> {
    const key = `${bare} ${base} ${head}`;
    const known = this.#known.get(key) ?? tryGit(bare, 'merge-tree', '--write-tree', base, head).then(({ ok }) => ok);
    this.#known.set(key, known);
    return known;
  }
}
