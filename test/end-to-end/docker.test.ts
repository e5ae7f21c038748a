import { dockerTest } from '../support/docker.ts';
import { errands, shipped } from './suite.ts';

errands(dockerTest, shipped('docker'));
