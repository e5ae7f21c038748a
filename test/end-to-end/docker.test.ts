import { dockerTest } from '../support/docker.ts';
import { errands } from './suite.ts';

errands(dockerTest, 'docker');
