/** One rule of the contract. `check` rejects with an assertion error if the rule is broken. */
export type Rule<C> = { name: string; check: (context: C) => Promise<void> };

/** Checks one rule. Rejects if it is broken, with an error that names it and says what was wrong. */
export async function checkRule<C>({ name, check }: Rule<C>, context: C): Promise<void> {
  try {
    await check(context);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`The rule "${name}" is broken: ${words}`, { cause: error });
  }
}
