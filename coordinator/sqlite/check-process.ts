/*
 * A program of its own: checks the database whose path it is given, and writes what is wrong with it, or nothing. A large database is checked so:
 * it takes no memory of the server's, and none of its time.
 */
import { setPriority } from 'node:os';
import Database from 'better-sqlite3';
import { findDamage } from './database.ts';

setPriority(19);
const db = new Database(process.argv[2], { readonly: true, fileMustExist: true });
process.stdout.write(findDamage(db) ?? '');
db.close();
