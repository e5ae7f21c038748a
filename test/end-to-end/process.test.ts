import test from 'ava';
import { errands, shipped } from './suite.ts';

errands((title, body) => test.serial(title, body), shipped('process'));
