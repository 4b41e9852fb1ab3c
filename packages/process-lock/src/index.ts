export { LockFile, newOwner, ownerFields, type LockFileOptions, type LockOwner } from './lock-file.js';
export { livenessOf, thisProcess, type ProcessIdentity } from './process-identity.js';
