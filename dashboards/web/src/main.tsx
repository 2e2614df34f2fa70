import { render } from 'solid-js/web';
import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/state.css';
import './styles/overview.css';
import './styles/chart.css';
import './styles/timeline.css';
import './styles/pages.css';
import { App } from './app';

const root = document.getElementById('root');
if (root !== null) render(() => <App />, root);
