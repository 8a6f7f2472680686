/* OldLink: a link of Prometheus's own UI leads to the same expressions here. */
import { Redirect, useSearch } from '../../ui';
import { fromPrometheusLink } from './state';

export default function OldLink() {
    const search = useSearch();
    return <Redirect to={fromPrometheusLink(search)} replace />;
}
