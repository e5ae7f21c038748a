/* The screens beside the list, as one part: with a part each, the first view would take a request for each piece they share. */

export { ChangesScreen } from './changes/changes-screen.tsx';
export { DecisionScreen } from './decision/decision-screen.tsx';
export { ErrandScreen } from './errand/errand-screen.tsx';
export { NewErrandScreen } from './new-errand/new-errand-screen.tsx';
export { NotificationsScreen } from './settings/notifications-screen.tsx';
export { OwnerScreen } from './owner/owner-screen.tsx';
export { ProjectScreen } from './projects/project-screen.tsx';
export { ProjectsScreen } from './projects/projects-screen.tsx';
export { SettingsScreen } from './settings/settings-screen.tsx';
// Who has a short list never needs these.
export { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
export { AnswerFiles } from '../parts/answer-files.tsx';
export { RowActions } from './inbox/row-actions.tsx';
