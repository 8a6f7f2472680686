/* drawAll: while a picture of the whole dashboard is made, panels out of sight are drawn as well. */
import { create } from 'zustand';

export const useDrawAll = create<{ all: boolean }>()(() => ({ all: false }));
