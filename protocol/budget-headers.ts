/** The header of the model proxy's responses with the task's unspent budget before that request, in US dollars. */
export const BUDGET_HEADER = 'errand-budget-remaining-usd';

/**
 * The header of the model proxy's responses with the most that the prompt of that request may cost, plus what is
 * reserved for the task's other requests in progress, in US dollars. It is part of the unspent budget. A request whose
 * prompt needs more than the rest is refused, so a worker that counts it as spent warns in time, and shortens a long
 * conversation while the budget still pays for that.
 */
export const BUDGET_RESERVED_HEADER = 'errand-budget-reserved-usd';
