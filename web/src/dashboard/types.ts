/* types: what a panel is given to draw. A panel type is a folder in src/panels; the registry there maps names to them. */
import type { ComponentType } from 'react';
import type { Look } from '../grafana/color';
import type { Exemplars } from '../api/types';
import type { Annotation } from '../grafana/annotations';
import type { Frame } from '../grafana/frame';
import type { PanelModel } from '../grafana/model';

export interface PanelProps {
    panel: PanelModel;
    /* After transformations and field config. */
    frames: Frame[];
    look: Look;
    /* Px of the panel's body. */
    width: number;
    height: number;
    /* Ms since 1970. */
    from: number;
    to: number;
    zone: string | undefined;
    /* Panels of the same key share their cursor. */
    sync: string | undefined;
    /* And their tooltip. */
    sharesTip: boolean;
    /* Variables in texts: titles, markdown, links. */
    fill: (text: string) => string;
    onZoom: (from: number, to: number) => void;
    onZoomOut: () => void;
    /* What happened meanwhile. */
    annotations: Annotation[];
    exemplars: Exemplars[];
    /* The expressions behind the frames. */
    exprs: string[];
}

export interface PanelType {
    component: ComponentType<PanelProps>;
    /* Draws without data: text, lists of dashboards and alerts. */
    needsNoData?: boolean;
}
