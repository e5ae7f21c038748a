/** Words with the parameters that they name in braces. */
export function fill(words: string, params: Readonly<Record<string, string>>): string {
  return words.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '');
}
