/* Section: a panel with a head that folds it. */
import { UnstyledButton } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Icon } from './icons';

interface SectionProps {
    title: ReactNode;
    aside?: ReactNode;
    open?: boolean;
    children: ReactNode;
}

export function Section({ title, aside, open: initially = true, children }: SectionProps) {
    const [open, setOpen] = useState(initially);
    return (
        <section className="panel section">
            <div className="panel-head">
                <UnstyledButton className="row grow section-head" aria-expanded={open} onClick={() => setOpen(!open)}>
                    <Icon name={open ? 'down' : 'right'} size={13} />
                    <h2 className="truncate">{title}</h2>
                </UnstyledButton>
                {aside}
            </div>
            {open && children}
        </section>
    );
}
