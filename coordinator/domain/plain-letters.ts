/** Letters of Latin alphabets that Unicode does not take apart. */
const WHOLE = new Map(Object.entries({ ß: 'ss', ł: 'l', ø: 'o', æ: 'ae', œ: 'oe', đ: 'd', ð: 'd', þ: 'th', ı: 'i' }));

/** A text in lower case, whose Latin letters are without signs: `ü` is `u`. */
export function plainLetters(text: string): string {
  const whole = Array.from(text.toLowerCase(), (char) => WHOLE.get(char) ?? char).join('');
  return whole.normalize('NFKD').replaceAll(/\p{M}/gu, '');
}
