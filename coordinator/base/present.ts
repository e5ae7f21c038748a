type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The fields that were given; null is given. */
export function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
