/** Our settings as values, with the defaults of schema/plugin.json until they are read. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';

export type Toasts = 'all' | 'failures' | 'asked' | 'none';

export class Settings {
  toasts: Toasts = 'all';
  toastSeconds = 8;
  pollSeconds = 5;
  statusBar = true;
  readonly changed = new Signal<this, void>(this);

  read(settings: ISettingRegistry.ISettings): void {
    const value = <T>(name: string, other: T): T => (settings.get(name).composite ?? other) as T;
    this.toasts = value('toasts', this.toasts);
    this.toastSeconds = value('toastSeconds', this.toastSeconds);
    this.pollSeconds = value('pollSeconds', this.pollSeconds);
    this.statusBar = value('statusBar', this.statusBar);
    this.changed.emit();
  }
}
