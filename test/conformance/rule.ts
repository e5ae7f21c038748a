/** One rule of the contract. `check` rejects with an assertion error if the rule is broken. */
export type Rule<C> = { name: string; check: (context: C) => Promise<void> };

export type Verdict = { name: string; ok: boolean; words: string };

/** Checks rules one after the other, and reports each verdict at once. A broken rule does not end the suite. */
export async function holdAgainst<C>(
  rules: readonly Rule<C>[],
  context: () => Promise<C> | C,
  tell: (verdict: Verdict) => void,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const { name, check } of rules) {
    let verdict: Verdict = { name, ok: true, words: '' };
    try {
      await check(await context());
    } catch (error) {
      verdict = { name, ok: false, words: error instanceof Error ? error.message : String(error) };
    }
    verdicts.push(verdict);
    tell(verdict);
  }
  return verdicts;
}
