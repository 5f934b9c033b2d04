import { render } from 'preact';
import { App } from './app';
import './style.css';
import './pages.css';
import './lib/theme';

render(<App />, document.getElementById('console')!);
