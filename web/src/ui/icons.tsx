/* icons: our own, on a grid of 24, drawn by strokes. A name is a row here. */
import type { CSSProperties } from 'react';

const paths = {
    home: 'M4 11 12 4l8 7 M6 10v10h12V10 M10 20v-6h4v6',
    explore: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18 M15.5 8.5 13.5 13.5 8.5 15.5 10.5 10.5z',
    dashboards: 'M4 4h7v9H4z M13 4h7v5h-7z M13 11h7v9h-7z M4 15h7v5H4z',
    alert: 'M6 17h12l-1.5-2.5V10a4.5 4.5 0 0 0-9 0v4.500z M10 20h4 M12 3v2',
    silence: 'M6 17h12 M7.500 14.500V10c0-1 .3-1.800.8-2.500 M10 5.900A4.500 4.500 0 0 1 16.500 10v3 M10 20h4 M4 4l16 16',
    routing: 'M5 5h4v4H5z M15 4h4v4h-4z M15 16h4v4h-4z M9 7h3v11h3 M12 6h3',
    rules: 'M5 5h14 M5 10h14 M5 15h8 M15 17l2 2 4-4',
    target: 'M12 3v4 M12 17v4 M3 12h4 M17 12h4 M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8',
    discovery: 'M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13 M15.500 15.500 20 20 M10.500 8v5 M8 10.500h5',
    cardinality: 'M4 20V10 M9 20V4 M14 20v-8 M19 20V7 M3 20h18',
    status: 'M4 5h16v5H4z M4 14h16v5H4z M7 7.500h.01 M7 16.500h.01',
    history: 'M4.500 9A8 8 0 1 1 4 12 M4 5v4h4 M12 8v4l3 2',
    search: 'M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13 M15.500 15.500 20 20',
    menu: 'M4 7h16 M4 12h16 M4 17h16',
    close: 'M6 6l12 12 M18 6 6 18',
    plus: 'M12 5v14 M5 12h14',
    minus: 'M5 12h14',
    copy: 'M8 8h12v12H8z M16 8V4H4v12h4',
    link: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.700-5.700L12 7 M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.700 5.700L12 17',
    external: 'M12 6H5v13h13v-7 M14 4h6v6 M20 4l-9 9',
    refresh: 'M19.500 9A8 8 0 1 0 20 12 M20 5v4h-4',
    clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16 M12 8v4l3 2',
    zoomOut: 'M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13 M15.500 15.500 20 20 M8 10.500h5',
    left: 'M14 6l-6 6 6 6',
    right: 'M10 6l6 6-6 6',
    down: 'M6 9l6 6 6-6',
    up: 'M6 15l6-6 6 6',
    check: 'M5 12.500 10 17.500 19 7',
    firing: 'M12 4 21 20H3z M12 10v5 M12 17.500v.01',
    eye: 'M3 12s3.500-6 9-6 9 6 9 6-3.500 6-9 6-9-6-9-6 M12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5',
    eyeOff: 'M4 4l16 16 M9.500 6.300A9 9 0 0 1 12 6c5.500 0 9 6 9 6a16 16 0 0 1-2.500 3 M6 8a15 15 0 0 0-3 4s3.500 6 9 6c1 0 2-.2 3-.5',
    trash: 'M5 7h14 M9 7V4h6v3 M7 7l1 13h8l1-13 M10 11v5 M14 11v5',
    edit: 'M5 19l1-4L16 5l3 3L9 18z M14 7l3 3',
    save: 'M5 4h11l3 3v13H5z M8 4v5h7V4 M8 20v-6h8v6',
    settings: 'M4 7h9 M17 7h3 M15 5v4 M4 12h3 M11 12h9 M9 10v4 M4 17h9 M17 17h3 M15 15v4',
    graph: 'M4 4v16h16 M7 15l4-5 3 3 5-7',
    table: 'M4 5h16v14H4z M4 10h16 M4 14.500h16 M10 5v14',
    tree: 'M5 5h6 M8 5v14 M8 11h6 M8 17h6 M16 9h4v4h-4z M16 15h4v4h-4z',
    play: 'M7 5l12 7-12 7z',
    stop: 'M6 6h12v12H6z',
    sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8 M12 3v2 M12 19v2 M3 12h2 M19 12h2 M5.600 5.600 7 7 M17 17l1.400 1.400 M5.600 18.400 7 17 M17 7l1.400-1.400',
    moon: 'M19 14.500A8 8 0 0 1 9.500 5a7.500 7.500 0 1 0 9.500 9.500',
    auto: 'M4 5h16v11H4z M9 20h6 M12 16v4',
    help: 'M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400 M12 17.500v.01',
    more: 'M12 5.500v.01 M12 12v.01 M12 18.500v.01',
    filter: 'M4 5h16l-6 7.500V19l-4-2v-4.500z',
    info: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16 M12 11v5 M12 8v.01',
    warning: 'M12 4 21 20H3z M12 10v5 M12 17.500v.01',
    download: 'M12 4v11 M7 11l5 5 5-5 M5 20h14',
    upload: 'M12 16V5 M7 9l5-5 5 5 M5 20h14',
    share: 'M7 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5 M17 4a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5 M17 15a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5 M9.200 10.800l5.600-3 M9.200 13.200l5.600 3',
    star: 'M12 4l2.400 5.200 5.600.7-4.100 3.900 1.100 5.600L12 16.600 7 19.400l1.100-5.600L4 9.900l5.600-.7z',
    bolt: 'M13 3 5 14h6l-1 7 8-11h-6z',
    expand: 'M4 9V4h5 M20 9V4h-5 M4 15v5h5 M20 15v5h-5',
    folder: 'M4 6h6l2 2h8v11H4z',
    undo: 'M8 5 4 9l4 4 M4 9h9.500a5.500 5.500 0 0 1 0 11H8',
    redo: 'M16 5l4 4-4 4 M20 9h-9.500a5.500 5.500 0 0 0 0 11H16',
    grip: 'M9 6v.01 M15 6v.01 M9 12v.01 M15 12v.01 M9 18v.01 M15 18v.01',
    flag: 'M6 21V4h12l-3 4 3 4H6',
    split: 'M4 5h16v14H4z M12 5v14',
    lock: 'M6 11h12v9H6z M8.500 11V8a3.500 3.500 0 0 1 7 0v3',
    pin: 'M9 4h6l-1 6 3 3H7l3-3z M12 13v7',
} as const;

export type IconName = keyof typeof paths;

interface IconProps {
    name: IconName;
    size?: number;
    className?: string;
    style?: CSSProperties;
    /* Read by screen readers; without it the icon is decoration. */
    label?: string;
}

export function Icon({ name, size = 16, className, style, label }: IconProps) {
    return (
        <svg
            className={className}
            style={style}
            width={size}
            height={size}
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            strokeWidth={1.75}
            strokeLinecap="round"
            strokeLinejoin="round"
            role={label ? 'img' : undefined}
            aria-label={label}
            aria-hidden={label ? undefined : true}
        >
            <path d={paths[name]} />
        </svg>
    );
}
