import test from 'ava';
import { COORDINATOR_RULES } from './coordinator-suite.ts';
import { mockedCoordinator } from './mocked-coordinator.ts';
import { realCoordinator } from './real-coordinator.ts';
import { checkRule } from './rule.ts';

for (const rule of COORDINATOR_RULES) {
  test(`the mock coordinator: ${rule.name}`, async (t) => {
    await t.notThrowsAsync(checkRule(rule, await mockedCoordinator(t)));
  });

  test.serial(`the coordinator: ${rule.name}`, async (t) => {
    await t.notThrowsAsync(checkRule(rule, await realCoordinator(t)));
  });
}
