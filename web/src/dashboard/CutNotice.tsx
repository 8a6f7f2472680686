/* CutNotice: a dashboard has more than the page takes in (grafana/bounds.ts). */
import { Note } from '../ui';

export default function CutNotice({ cut }: { cut: string }) {
    return <Note kind="warn">This dashboard has more than can be shown. Left out: {cut}. Its file keeps them.</Note>;
}
