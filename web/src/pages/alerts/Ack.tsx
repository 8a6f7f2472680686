/* Ack: somebody has seen an alert and works on it, so that it is not told again: who, why, for how long; and its end. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { amAcknowledge, type AmAlert, amTakeBack } from '../../api/alertmanager';
import { parseDuration } from '../../grafana/time';
import { Button, Fault, Icon, notify, Popover, storeAuthor, storedAuthor, TextInput } from '../../ui';

function AckForm({ alert, done }: { alert: AmAlert; done: () => void }) {
    const [author, setAuthor] = useState(storedAuthor);
    const [comment, setComment] = useState('');
    const [length, setLength] = useState('');
    const ms = length.trim() === '' ? undefined : parseDuration(length);
    const save = useMutation({
        mutationFn: () => amAcknowledge({
            fingerprints: [alert.fingerprint], createdBy: author.trim(), ...(comment.trim() ? { comment: comment.trim() } : {}),
            ...(ms ? { endsAt: new Date(Date.now() + ms).toISOString() } : {}),
        }),
        onSuccess: () => {
            storeAuthor(author);
            notify('Acknowledged: it is not told again until it is resolved', 'ok');
            done();
        },
    });
    const fault = author.trim() === '' ? 'Say who you are.' : ms === null ? '2h, or nothing: until it is resolved' : null;
    return (
        <form className="silence-form" onSubmit={(event) => { event.preventDefault(); if (!fault) save.mutate(); }}>
            <TextInput label="Who" value={author} onChange={(event) => setAuthor(event.currentTarget.value)} />
            <TextInput label="What is done" value={comment} onChange={(event) => setComment(event.currentTarget.value)} />
            <TextInput label="For" placeholder="until it is resolved" value={length} error={ms === null ? fault : undefined} onChange={(event) => setLength(event.currentTarget.value)} />
            {save.error && <Fault error={save.error} />}
            <Button type="submit" disabled={fault !== null} loading={save.isPending}>Acknowledge</Button>
        </form>
    );
}

export function AckButton({ alert }: { alert: AmAlert }) {
    const [open, setOpen] = useState(false);
    const client = useQueryClient();
    const refresh = () => void client.invalidateQueries({ queryKey: ['am-alerts'] });
    const takeBack = useMutation({
        mutationFn: () => amTakeBack(alert.fingerprint, storedAuthor()),
        onSuccess: () => {
            notify('Taken back: it is told again when that is due', 'ok');
            refresh();
        },
        onError: (error) => notify(error.message, 'bad'),
    });
    if (alert.acknowledgement) {
        return <Button variant="default" loading={takeBack.isPending} onClick={() => takeBack.mutate()}>Take back</Button>;
    }
    return (
        <Popover opened={open} onChange={setOpen} position="bottom-end" width={280}>
            <Popover.Target>
                <Button variant="default" leftSection={<Icon name="check" size={14} />} aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)}>Acknowledge</Button>
            </Popover.Target>
            <Popover.Dropdown aria-label="Acknowledge"><AckForm alert={alert} done={() => { setOpen(false); refresh(); }} /></Popover.Dropdown>
        </Popover>
    );
}
