/** One rule of the contract. `check` rejects with an assertion error if the rule is broken. */
export type Rule<C> = { name: string; check: (context: C) => Promise<void> };
