/** The text fields of a form by their names. */
export function fieldsOf(form: HTMLFormElement): Partial<Record<string, string>> {
  const entries = [...new FormData(form)].flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  );
  return Object.fromEntries(entries);
}
