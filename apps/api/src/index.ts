export { AddressError } from './address-error.js';
export { createApp, type AppParts } from './app.js';
export { logFallback } from './models/log-fallback.js';
export { startServer, type RunningServer } from './server.js';
export * from './modes.js';
