/** The limits of what forges send and answer. They are part of `LIMITS`. */
export const FORGE_LIMITS = {
  /** One webhook of a forge, how many of one forge are taken in a minute, and how many may wait. */
  delivery_bytes_max: 2 * 1024 * 1024,
  deliveries_per_minute_max: 1_200,
  deliveries_waiting_max: 10_000,
  /** From what age a webhook is ignored; for how long a handled one is known, and a failed one is retried. */
  delivery_age_s_max: 3 * 24 * 3600,
  delivery_kept_s: 30 * 24 * 3600,
  delivery_retry_s: 24 * 3600,
  /** What an errand is given of an issue or pull request: characters, and comments. */
  thread_chars_max: 16_000,
  thread_comments_max: 50,
  /** How many that its prompt names it is given: at most so many, so many characters together, read in this time. */
  named_threads_max: 6,
  named_threads_chars_max: 48_000,
  named_threads_ms: 10_000,
  /** The newest comments among which one is looked for: a mention, or what Errand wrote before it died. */
  comments_searched_max: 300,
  /** How often reviews and failed checks send an errand back to work before its person is asked. */
  follow_up_rounds_max: 3,
  /** What one round tells: characters of a review in a message, failed checks, and characters of the log of each. */
  review_chars_max: 16_000,
  failed_checks_max: 5,
  check_log_chars_max: 5_000,

  /** How long a forge's API may take to answer, and how much of an answer is read. */
  forge_answer_ms: 20_000,
  forge_answer_bytes_max: 8 * 1024 * 1024,
  forge_answer_nodes_max: 400_000,
  /** Of what sign-in and apps ask: tokens, and who somebody is. */
  forge_call_bytes_max: 128 * 1024,
  /** The pages of one list that are read. A forge has at most 100 entries on each. */
  forge_pages_max: 10,
  /** Longer texts of a forge are cut: titles and names, and what people wrote. */
  forge_line_chars_max: 1_000,
  forge_text_chars_max: 65_536,
  /** How much of a check's log is read, and how long that may take. Its end is what is used. */
  forge_log_bytes_max: 64 * 1024 * 1024,
  forge_log_ms: 60_000,
  /** The answers that are kept to ask whether they changed, which forges count less or not at all. */
  forge_kept_answers_max: 200,
  forge_kept_answer_bytes_max: 64 * 1024,
} as const;
