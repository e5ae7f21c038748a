/** The text with the letters of other alphabets that are Latin ones with a sign, such as `ü`, without that sign. */
export function plainLetters(text: string): string {
  return text.replaceAll(/ß/gi, 'ss').normalize('NFKD').replaceAll(/\p{M}/gu, '');
}
