/* DashboardLinks: the links of a dashboard in its bar: addresses, and the dashboards of some tags, in the bar or as a menu. */
import { useQuery } from '@tanstack/react-query';
import { searchDashboards } from '../api/dashboards';
import { hasTags, linkParams, safeUrl, withParams } from '../grafana/links';
import type { DashboardLink } from '../grafana/model';
import { basePath, Button, Menu } from '../ui';

/* A bar has no room for more; a menu has. */
const IN_BAR_MAX = 10;
const IN_MENU_MAX = 100;

interface LinksProps {
    links: readonly DashboardLink[];
    uid: string;
    range: { from: string; to: string };
    variables: readonly { name: string; values: readonly string[] }[];
    fill: (text: string) => string;
}

interface Shown {
    title: string;
    url: string;
}

export default function DashboardLinks({ links, uid, range, variables, fill }: LinksProps) {
    const wantsBoards = links.some((link) => link.type === 'dashboards');
    const boards = useQuery({ queryKey: ['dashboards'], queryFn: ({ signal }) => searchDashboards(signal), enabled: wantsBoards, staleTime: 60_000 });
    const found = (link: DashboardLink): Shown[] => {
        const params = linkParams(link, range, variables);
        if (link.type === 'link') {
            return [{ title: fill(link.title) || fill(link.url), url: safeUrl(withParams(fill(link.url), params)) }];
        }
        return (boards.data ?? [])
            .filter((hit) => hit.type === 'dash-db' && hit.uid !== uid && hasTags(hit.tags, link.tags))
            .map((hit) => ({ title: hit.title, url: withParams(`${basePath()}/d/${encodeURIComponent(hit.uid)}`, params) }));
    };
    return links.map((link, i) => {
        const shown = found(link);
        const blank = link.targetBlank ? { target: '_blank', rel: 'noreferrer' } : { rel: 'noreferrer' };
        if (link.type === 'dashboards' && link.asDropdown) {
            return shown.length > 0 && (
                <Menu key={i} width={240} position="bottom-end">
                    <Menu.Target><Button variant="default">{fill(link.title) || 'Dashboards'}</Button></Menu.Target>
                    <Menu.Dropdown>{shown.slice(0, IN_MENU_MAX).map((one) => <Menu.Item key={one.url} component="a" href={one.url} {...blank}>{one.title}</Menu.Item>)}</Menu.Dropdown>
                </Menu>
            );
        }
        return shown.slice(0, IN_BAR_MAX).map((one) => <a key={`${i} ${one.url}`} className="board-link truncate" href={one.url} title={link.tooltip || undefined} {...blank}>{one.title}</a>);
    });
}
