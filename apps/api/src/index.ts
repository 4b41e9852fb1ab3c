export { createApp, type AppParts } from './app.js';
export { InvalidEnvironmentError, parseConfiguration, type Configuration } from './configuration.js';
export { startServer, type RunningServer } from './server.js';
