/**
 * Characters that are not seen and change what is read: control characters except newline and tab, those that turn the
 * direction of text, and tags that no font shows.
 */
export const UNSEEN = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu;
