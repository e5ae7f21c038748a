/** The texts of a form by the names of its fields. */
export type Given = Partial<Record<string, string>>;

/** Reads texts of fields that were stored as JSON; what is none of that is left out. */
export function readGiven(json: string): Given {
  try {
    const read: unknown = JSON.parse(json);
    if (typeof read !== 'object' || read === null) return {};
    return Object.fromEntries(Object.entries(read).filter(([, value]) => typeof value === 'string'));
  } catch {
    return {};
  }
}

/** The text fields of a form by their names. */
export function fieldsOf(form: HTMLFormElement): Given {
  const entries = [...new FormData(form)].flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  );
  return Object.fromEntries(entries);
}
