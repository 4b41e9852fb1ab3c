export { onLauncherGone } from './launcher.js';
export { startServer, type RunningServer } from './server.js';
