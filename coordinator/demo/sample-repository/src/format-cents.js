/** Writes an amount of cents for people: 1250 becomes `12.50`. */
export function formatCents(cents) {
  const whole = Math.floor(cents / 100);
  return `${whole}.${String(cents % 100).padStart(2, '0')}`;
}
