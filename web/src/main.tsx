import { createRoot } from 'react-dom/client';
import { App } from './App';
import { preferUtc } from './grafana/datetime';
import { Provider } from './ui/Provider';
import { storedUtc } from './ui/store';

preferUtc(storedUtc());

const root = document.getElementById('root');
if (root) {
    createRoot(root).render(
        <Provider>
            <App />
        </Provider>,
    );
}
