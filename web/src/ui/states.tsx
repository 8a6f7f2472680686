/* states: what stands where data will be, would be, or cannot be. */
import { Button } from '@mantine/core';
import { type ReactNode, useEffect, useState } from 'react';
import { Icon, type IconName } from './icons';

/* A first load shows nothing for a moment: most answers come sooner. */
const SKELETON_AFTER_MS = 150;

export function Loading({ what = 'Loading' }: { what?: string }) {
    const [shown, setShown] = useState(false);
    useEffect(() => {
        const timer = setTimeout(() => setShown(true), SKELETON_AFTER_MS);
        return () => clearTimeout(timer);
    }, []);
    return (
        <div className="empty" role="status" style={{ position: 'relative', visibility: shown ? 'visible' : 'hidden' }}>
            <div className="busy-bar" />
            {what}…
        </div>
    );
}

interface FaultProps {
    error: unknown;
    retry?: () => void;
    /* What was tried: "Targets". */
    what?: string;
}

/* Fault shows the server's own words. */
export function Fault({ error, retry, what }: FaultProps) {
    const message = error instanceof Error ? error.message : String(error);
    return (
        <div className="note bad" role="alert">
            <Icon name="warning" style={{ color: 'var(--bad)', marginTop: 1 }} />
            <div className="grow" style={{ overflowWrap: 'anywhere' }}>
                {what && <b>{what}: </b>}
                {message}
            </div>
            {retry && <Button variant="default" onClick={retry}>Try again</Button>}
        </div>
    );
}

export function Note({ kind = 'info', children }: { kind?: 'info' | 'warn' | 'bad'; children: ReactNode }) {
    return (
        <div className={`note ${kind}`}>
            <Icon name={kind === 'info' ? 'info' : 'warning'} style={{ color: `var(--${kind})`, marginTop: 1, flex: 'none' }} />
            <div className="grow" style={{ overflowWrap: 'anywhere' }}>{children}</div>
        </div>
    );
}

/* Empty says that there is nothing, and what to do next. */
export function Empty({ title, children, icon }: { title: string; children?: ReactNode; icon?: IconName }) {
    return (
        <div className="empty">
            {icon && <Icon name={icon} size={28} />}
            <h2>{title}</h2>
            {children && <div>{children}</div>}
        </div>
    );
}

export type StateKind = 'ok' | 'warn' | 'bad' | 'none';

const stateIcons: Record<StateKind, IconName> = { ok: 'check', warn: 'clock', bad: 'firing', none: 'minus' };

/* State is never colour alone: a word and a sign with it. */
export function State({ kind, children }: { kind: StateKind; children: ReactNode }) {
    return (
        <span className={`state ${kind}`}>
            <Icon name={stateIcons[kind]} size={13} />
            {children}
        </span>
    );
}

interface LabelSetProps {
    labels: Record<string, string>;
    without?: readonly string[];
    /* A click on one: into the search above the list. */
    pick?: (name: string, value: string) => void;
}

/* LabelSet shows labels as they are: text, whatever they hold. */
export function LabelSet({ labels, without = [], pick }: LabelSetProps) {
    return (
        <span className="labels">
            {Object.entries(labels)
                .filter(([name]) => !without.includes(name))
                .map(([name, value]) => {
                    const text = <><b>{name}=</b>&quot;{value}&quot;</>;
                    return pick
                        ? <button type="button" className="label" key={name} title="Only these" onClick={() => pick(name, value)}>{text}</button>
                        : <span className="label" key={name}>{text}</span>;
                })}
        </span>
    );
}
