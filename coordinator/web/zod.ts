import { config } from 'zod';

// The page's policy forbids code that is made from text. A schema decides this when it is made, so this comes first.
config({ jitless: true });

export * from 'zod';
