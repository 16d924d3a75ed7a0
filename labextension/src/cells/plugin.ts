/** "Run as job": on a cell's toolbar, in its menu, in the palette, by key. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { CodeCell } from '@jupyterlab/cells';
import { INotebookTracker } from '@jupyterlab/notebook';
import { runJobIcon } from '../icons';
import { CATEGORY } from '../plugins';
import { Commands, ITether } from '../tokens';
import { runCell } from './run';

export const cells: JupyterFrontEndPlugin<void> = {
  id: 'tether-lab:cells',
  description: 'Runs cells of a notebook as jobs.',
  autoStart: true,
  requires: [ITether, INotebookTracker],
  optional: [ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tether: ITether,
    notebooks: INotebookTracker,
    palette: ICommandPalette | null
  ) => {
    const isCode = () => notebooks.activeCell?.model.type === 'code';
    app.commands.addCommand(Commands.runCell, {
      label: 'Run Cell as Job',
      caption: 'Run this cell as a job that outlives the kernel',
      icon: runJobIcon,
      isEnabled: isCode,
      isVisible: isCode,
      execute: () => {
        const panel = notebooks.currentWidget;
        const cell = notebooks.activeCell;
        return panel && cell?.model.type === 'code'
          ? runCell(tether, app.serviceManager.contents, panel, cell as CodeCell)
          : undefined;
      },
      describedBy: { args: { type: 'object', properties: {} } }
    });
    notebooks.activeCellChanged.connect(() => app.commands.notifyCommandChanged(Commands.runCell));
    palette?.addItem({ command: Commands.runCell, category: CATEGORY });
  }
};
