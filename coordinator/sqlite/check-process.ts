/*
 * A program: it checks the database at the path of its first argument, and prints what is wrong with it, or nothing.
 * A large database is checked in this process, so that the server's event loop is not blocked.
 */
import { setPriority } from 'node:os';
import { findDamage } from './integrity.ts';

setPriority(19);
process.stdout.write(findDamage(process.argv[2] ?? '') ?? '');
