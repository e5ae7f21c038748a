const BROWSERS: [RegExp, string][] = [
  [/Edg\w{0,9}\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Macintosh/, 'Mac'],
  [/Windows/, 'Windows'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
];

/** A device in words, such as `Safari, iPhone`; a client that is no browser shows its own name. */
export function deviceName(user_agent: string | null): string | undefined {
  if (user_agent === null) return undefined;
  if (!user_agent.startsWith('Mozilla/')) return user_agent;
  const find = (table: [RegExp, string][]) => table.find(([pattern]) => pattern.test(user_agent))?.[1];
  return [find(BROWSERS), find(SYSTEMS)].filter(Boolean).join(', ') || user_agent;
}
