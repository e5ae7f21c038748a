/** The texts of a form by the names of its fields. */
export type Given = Partial<Record<string, string>>;

/** The text fields of a form by their names. */
export function fieldsOf(form: HTMLFormElement): Given {
  const entries = [...new FormData(form)].flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  );
  return Object.fromEntries(entries);
}
