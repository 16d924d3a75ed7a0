/** The pages in the main area. */

import { ILabShell, ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import * as React from 'react';
import { brief } from '../format';
import { calendarIcon, chainIcon, chartIcon, jobIcon, serviceIcon } from '../icons';
import { CATEGORY } from '../plugins';
import { Commands, ITether } from '../tokens';
import { AnalyticsPage } from './analytics';
import { ChainsPage } from './chains';
import { JobPage } from './job';
import { addPage, PageKind } from './open';
import { SchedulesPage } from './schedules';
import { ServicesPage } from './services';

export const pages: JupyterFrontEndPlugin<void> = {
  id: 'tether-lab:pages',
  description: 'Pages of jobs, schedules, chains, services and analytics.',
  autoStart: true,
  requires: [ITether, IRenderMimeRegistry],
  optional: [IEditorLanguageRegistry, ILabShell, ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tether: ITether,
    rendermime: IRenderMimeRegistry,
    languages: IEditorLanguageRegistry | null,
    shell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ) => {
    const kinds: PageKind[] = [
      {
        command: Commands.openJob,
        label: 'Open Job',
        icon: jobIcon,
        each: true,
        title: where => `Job ${where.id}`,
        draw: (where, retitle) => (
          <JobPage
            key={`${where.lab} ${where.id}`}
            tether={tether}
            rendermime={rendermime}
            languages={languages}
            onTitle={job => retitle(`${brief(job.title, 24)} #${job.id}`)}
            {...where}
          />
        )
      },
      {
        command: Commands.openSchedules,
        label: 'Schedules of Jobs',
        icon: calendarIcon,
        each: false,
        title: () => 'Schedules',
        draw: where => <SchedulesPage key={where.lab} tether={tether} lab={where.lab} />
      },
      {
        command: Commands.openChains,
        label: 'Chains and Batches of Jobs',
        icon: chainIcon,
        each: false,
        title: () => 'Chains and batches',
        draw: where => <ChainsPage key={`${where.lab} ${where.id}`} tether={tether} {...where} />
      },
      {
        command: Commands.openServices,
        label: 'Services',
        icon: serviceIcon,
        each: false,
        title: () => 'Services',
        draw: where => <ServicesPage key={where.lab} tether={tether} lab={where.lab} />
      },
      {
        command: Commands.openAnalytics,
        label: 'Analytics of Jobs',
        icon: chartIcon,
        each: false,
        title: () => 'Analytics',
        draw: where => <AnalyticsPage key={where.lab} tether={tether} rendermime={rendermime} lab={where.lab} />
      }
    ];
    for (const kind of kinds) {
      addPage(app, tether, kind, shell, restorer);
      if (!kind.each) {
        palette?.addItem({ command: kind.command, category: CATEGORY });
      }
    }
  }
};
