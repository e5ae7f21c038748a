import test from 'ava';
import { errands } from './suite.ts';

errands((title, body) => test.serial(title, body), 'process');
