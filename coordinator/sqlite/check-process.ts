/*
 * A program of its own: checks the database whose path it is given, and writes what is wrong with it, or nothing. A large database is checked so:
 * it takes no memory of the server's, and none of its time.
 */
import { setPriority } from 'node:os';
import { findDamage } from './integrity.ts';

setPriority(19);
process.stdout.write(findDamage(process.argv[2] ?? '') ?? '');
