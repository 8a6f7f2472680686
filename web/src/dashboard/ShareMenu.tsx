/* ShareMenu: what can be taken away from a dashboard: a link to it, a picture, its JSON. */
import type { Json } from '../grafana/json';
import { ActionIcon, Icon, Menu, saveFile } from '../ui';

interface ShareProps {
    /* Of the dashboard, or of the one panel that is viewed. */
    title: string;
    json: Json;
    onLink: () => void;
}

export default function ShareMenu({ title, json, onLink }: ShareProps) {
    return (
        <Menu position="bottom-end">
            <Menu.Target><ActionIcon aria-label="Share" title="Link, picture, JSON"><Icon name="share" /></ActionIcon></Menu.Target>
            <Menu.Dropdown>
                <Menu.Item onClick={onLink}>Copy link</Menu.Item>
                <Menu.Item onClick={() => void import('./png').then(({ saveBoardPng }) => saveBoardPng(title))}>Save as PNG</Menu.Item>
                <Menu.Item onClick={() => saveFile(`${title || 'dashboard'}.json`, JSON.stringify(json, null, 2), 'application/json')}>Save as JSON</Menu.Item>
            </Menu.Dropdown>
        </Menu>
    );
}
