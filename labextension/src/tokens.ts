/** What our plugins share: the server's verbs, the live jobs, the way to a page. */

import { Token } from '@lumino/coreutils';
import type { Actions } from './actions';
import type { Api } from './api';
import type { Live } from './model/live';
import type { Settings } from './settings';

export interface ITether {
  readonly api: Api;
  readonly live: Live;
  readonly actions: Actions;
  readonly settings: Settings;
}

export const ITether = new Token<ITether>('tether-lab:ITether', 'Jobs of Tether Lab, live, and what can be done to them.');

/** Commands by which pages are opened; their arguments are `lab` (a uuid, else the shown one) and `id`. */
export namespace Commands {
  export const openPanel = 'tether-lab:open-panel';
  export const openJob = 'tether-lab:open-job';
  export const openSchedules = 'tether-lab:open-schedules';
  export const openChains = 'tether-lab:open-chains';
  export const openAnalytics = 'tether-lab:open-analytics';
  export const openServices = 'tether-lab:open-services';
  export const cancel = 'tether-lab:cancel';
  export const retry = 'tether-lab:retry';
  export const refresh = 'tether-lab:refresh';
  export const startWorker = 'tether-lab:start-worker';
  export const runCell = 'tether-lab:run-cell-as-job';
  export const runNotebook = 'tether-lab:run-notebook-as-job';
}
