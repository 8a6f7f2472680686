/* ExemplarDialog: an exemplar that was picked in a panel, where there is no room beside the graph. */
import { Modal } from '../ui';
import ExemplarCard from './ExemplarCard';
import type { PickedExemplar } from './exemplars';

export default function ExemplarDialog(props: { picked: PickedExemplar; range: { from: string; to: string }; close: () => void }) {
    return <Modal opened onClose={props.close} withCloseButton={false} padding={0} aria-label="Exemplar"><ExemplarCard {...props} /></Modal>;
}
