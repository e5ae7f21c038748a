/** What a problem document says of why. */
export type Said = { reason?: string | undefined; params?: Readonly<Record<string, string>> | undefined };

/** Why the server refuses something: in English its own words say it. */
export const en_refusal: (said: Said) => string | undefined = () => undefined;
