/*
 * The screens beside the list, as one part: with a part each, the first view would take a request for each piece they
 * share.
 */

export { HomeScreenFirst } from './access/home-screen-first.tsx';
export { AccountsScreen } from './accounts/accounts-screen.tsx';
export { SignedInScreen } from './accounts/signed-in-screen.tsx';
export { Ways } from './accounts/ways.tsx';
export { ArchivedScreen } from './inbox/archived-screen.tsx';
export { ChangesScreen } from './changes/changes-screen.tsx';
export { DecisionScreen } from './decision/decision-screen.tsx';
export { BudgetChoices } from './errand/budget-choices.tsx';
export { ErrandScreen } from './errand/errand-screen.tsx';
export { MoreRows } from './errand/more-rows.tsx';
export { NewErrandScreen } from './new-errand/new-errand-screen.tsx';
export { NotificationsScreen } from './settings/notifications-screen.tsx';
export { OwnerScreen } from './owner/owner-screen.tsx';
export { ProjectScreen } from './projects/project-screen.tsx';
export { ProjectsScreen } from './projects/projects-screen.tsx';
export { ScheduleScreen } from './schedules/schedule-screen.tsx';
export { SchedulesScreen } from './schedules/schedules-screen.tsx';
export { SettingsScreen } from './settings/settings-screen.tsx';
// Who has a short list never needs these.
export { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
export { OwnWords } from '../parts/own-words.tsx';
export { Question } from '../parts/question.tsx';
export { ArchiveUndo } from './inbox/archive-undo.tsx';
export { RowActions } from './inbox/row-actions.tsx';
export { UnusedLink } from './access/unused-link.tsx';
export { Extras } from './extras.tsx';
export { FirstKeys } from './first-keys.tsx';
export { Guard } from './guard.tsx';
