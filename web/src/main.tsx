import { createRoot } from 'react-dom/client';
import { App } from './App';
import { Provider } from './ui/Provider';

const root = document.getElementById('root');
if (root) {
    createRoot(root).render(
        <Provider>
            <App />
        </Provider>,
    );
}
