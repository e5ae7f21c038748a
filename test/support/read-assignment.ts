import { buildAssignment, type AssignmentDependencies } from '../../coordinator/tasks/assignment.ts';
import type { Assignment } from '../../protocol/worker-schemas.ts';

/** The assignment of an attempt, as its worker reads it. */
export async function readAssignment(deps: AssignmentDependencies, task_id: string, n: number): Promise<Assignment> {
  const { json } = await buildAssignment(deps, task_id, n);
  return JSON.parse(json.toString('utf8'));
}
